#!/usr/bin/env python3
"""`tidings backup` and `tidings restore`, on a store as it is, held, damaged, and gone on with.

    test/cli/test_backup.py TIDINGS WRITER        WRITER makes ./tidings-data (examples/durable_log)
"""

import fcntl
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


def records(room, store):
    ran = run(TIDINGS, "inspect", store, cwd=room)
    return [line for line in ran.stdout.splitlines() if "\tevent\t" in line]


def there_and_back(room):
    ran = run(TIDINGS, "backup", "tidings-data", "backup", cwd=room)
    check("a store is copied", ran.returncode == 0 and "copied now" in ran.stdout, ran)
    ran = run(TIDINGS, "restore", "--check", "backup", cwd=room)
    check("the copy is as it was made", ran.returncode == 0, ran)
    ran = run(TIDINGS, "restore", "backup", "restored", cwd=room)
    check("a store is made of it", ran.returncode == 0 and "verified" in ran.stdout, ran)
    check("with the same events", records(room, "restored") == records(room, "tidings-data") != [])
    ran = run(TIDINGS, "verify", "restored", cwd=room)
    check("which is proven", ran.returncode == 0, ran)
    ran = run(TIDINGS, "restore", "backup", "restored", cwd=room)
    check("what is there is not written over", ran.returncode == 1 and "not empty" in ran.stderr, ran)


def held(room):
    with open(pathlib.Path(room) / "tidings-data" / "LOCK", "r+", encoding="ascii") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        ran = run(TIDINGS, "backup", "tidings-data", "other", cwd=room)
    check("a store that is open: says what to do", ran.returncode == 1 and "td_backup()" in ran.stderr, ran)
    check("and makes nothing", not (pathlib.Path(room) / "other").exists())


def damaged(room):
    copy = next(path for path in (pathlib.Path(room) / "backup").glob("copy-*"))
    whole = copy.read_bytes()
    at = whole.index(b"PaidIn")
    copy.write_bytes(whole[:at] + b"Robbed" + whole[at + 6 :])
    for words in (("restore", "--check", "backup"), ("restore", "backup", "from-damaged")):
        ran = run(TIDINGS, *words, cwd=room)
        check("damage of a copy is found: exit 6 and the file", ran.returncode == 6 and copy.name in ran.stderr, ran)
    ran = run(TIDINGS, "inspect", "from-damaged", cwd=room)
    check("and what was made of it does not open", ran.returncode != 0, ran)
    ran = run(TIDINGS, "backup", "--check", "tidings-data", "backup", cwd=room)
    check("--check copies it again", ran.returncode == 0, ran)
    ran = run(TIDINGS, "restore", "backup", "from-damaged", cwd=room)
    check("and a restore that failed is begun again", ran.returncode == 0, ran)


def misused(room):
    for words, code in ((["backup"], 2), (["backup", "tidings-data"], 2), (["restore", "backup"], 2), (["backup", "--help"], 0),
                        (["restore", "--help"], 0), (["backup", "nothing", "b"], 1), (["restore", "nothing", "b"], 1),
                        (["backup", "backup", "b"], 1), (["backup", "tidings-data", "tidings-data"], 1)):
        ran = run(TIDINGS, *words, cwd=room)
        check(f"tidings {' '.join(words)}: exit {code}", ran.returncode == code and (code == 0 or ran.stderr), ran)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        ran = run(WRITER, cwd=room)
        check("the store is written", ran.returncode == 0, ran)
        there_and_back(room)
        held(room)
        damaged(room)
        misused(room)
    return int(FAILED != [])


if __name__ == "__main__":
    sys.exit(main())
