#!/usr/bin/env python3
"""`tidings verify` and `tidings inspect`, on a store as it is and on damaged ones.

    test/cli/test_look.py TIDINGS WRITER        WRITER makes ./tidings-data (examples/durable_log)
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile

TIDINGS, WRITER = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
FAILED = []


def run(*words, cwd):
    return subprocess.run([*words], cwd=cwd, capture_output=True, text=True, timeout=50)


def check(what, condition, ran=None):
    if not condition:
        FAILED.append(what)
        print(f"not ok: {what}", *([ran.returncode, ran.stdout[:2000], ran.stderr] if ran else []))


def sums(store):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(store.rglob("*")) if path.is_file()}


def as_it_is(room, store):
    before = sums(store)
    ran = run(TIDINGS, "verify", store, cwd=room)
    check("a good store is proven", ran.returncode == 0 and "nothing is wrong" in ran.stdout, ran)
    ran = run(TIDINGS, "inspect", store, cwd=room)
    check("records are shown", ran.returncode == 0 and "account.7" in ran.stdout and "PaidIn" in ran.stdout, ran)
    ran = run(TIDINGS, "inspect", "--json", "--from", "2", "--limit", "1", store, cwd=room)
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    records = [line for line in lines if "record" in line]
    check("--json is JSON, from and limit count", [r["record"] for r in records] == [2], ran)
    ran = run(TIDINGS, "verify", "--json", store, cwd=room)
    check("findings are JSON", ran.returncode == 0 and all(json.loads(line) for line in ran.stdout.splitlines()), ran)
    check("looking changes nothing", sums(store) == before)


def damaged(room, store):
    segment = next(path for path in sorted(store.glob("seg-*.log")))
    whole = segment.read_bytes()
    at = whole.index(b"PaidIn")
    segment.write_bytes(whole[:at] + b"Robbed" + whole[at + 6 :])
    before = sums(store)
    ran = run(TIDINGS, "verify", store, cwd=room)
    check("damage is found: exit 6 and the file", ran.returncode == 6 and segment.name in ran.stdout + ran.stderr, ran)
    ran = run(TIDINGS, "inspect", store, cwd=room)
    check("what is damaged is not shown", ran.returncode == 6 and "Robbed" not in ran.stdout, ran)
    check("looking at damage changes nothing", sums(store) == before)


def misused(room):
    for words, code in ((["verify"], 2), (["inspect", "--from", "0", "x"], 2), ([], 2), (["nonsense"], 2), (["--help"], 0),
                        (["verify", "--help"], 0), (["inspect", "no-such-directory"], 1)):
        ran = run(TIDINGS, *words, cwd=room)
        check(f"tidings {' '.join(words)}: exit {code}", ran.returncode == code and (code == 0 or ran.stderr), ran)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        ran = run(WRITER, cwd=room)
        check("the store is written", ran.returncode == 0, ran)
        store = pathlib.Path(room) / "tidings-data"
        as_it_is(room, store)
        damaged(room, store)
        misused(room)
    return int(FAILED != [])


if __name__ == "__main__":
    sys.exit(main())
