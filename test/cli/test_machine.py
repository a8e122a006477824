#!/usr/bin/env python3
"""doctor and bench: what they say has its shape, whatever the machine is like, and they leave nothing behind.

    test/cli/test_machine.py TIDINGS
"""

import json
import os
import sys
import tempfile

from tool import check, done, program, run

TIDINGS = program()


def rows(ran):
    return [json.loads(line) for line in ran.stdout.splitlines()]


def doctor(room):
    ran = run(TIDINGS, "publish", "a.b", "A", "--url", "file:data", cwd=room)
    check("written", ran.returncode == 0, ran)
    before = os.listdir(room)
    ran = run(TIDINGS, "doctor", "--json", "--url", "file:data", cwd=room)
    found = {row["check"]: row for row in rows(ran)}
    check("each check has a verdict", set(found) == {"clock", "descriptors", "port", "room", "sync", "place"} and all(
        row["verdict"] in ("good", "look", "bad") and row["what"] for row in found.values()), ran)
    check("exit code 1 if one is bad", ran.returncode == int(any(row["verdict"] == "bad" for row in found.values())), ran)
    check("the place is seen", "1 events in" in found["place"]["what"], ran)
    check("what is not good has an advice", all(row["verdict"] == "good" or row["advice"] for row in found.values()), ran)
    check("nothing is left", os.listdir(room) == before)
    ran = run(TIDINGS, "doctor", "--dir", "nothing/there", cwd=room)
    check("a directory that is not there is bad", ran.returncode == 1 and "sync\tbad\t" in ran.stdout and "room\tbad\t" in ran.stdout, ran)
    ran = run(TIDINGS, "doctor", "--url", "file:never", cwd=room)
    check("a place that is not there: look", "place\tlook\t" in ran.stdout, ran)


def bench(room):
    before = os.listdir(room)
    ran = run(TIDINGS, "bench", "--json", "--events", "300", "--batch", "7", "--bytes", "20", cwd=room)
    found = rows(ran)
    check("four rows", ran.returncode == 0 and [row["what"] for row in found] == [
        "publish, one by one", "publish, in batches", "read all", "latest of a subject"], ran)
    check("what was published is read", [row["events"] for row in found] == [300, 300, 600, 600], ran)
    check("each has a rate, and what is published a limit", all(row["per_second"] > 0 for row in found) and all(
        row["limit"] > 0 for row in found[:2]), ran)
    check("nothing is left", os.listdir(room) == before)
    ran = run(TIDINGS, "bench", "--events", "10", "--batch", "10", "--url", "file:data", cwd=room)
    check("a place is measured", ran.returncode == 0 and len(ran.stdout.splitlines()) == 4, ran)
    ran = run(TIDINGS, "read", "bench.*", "--url", "file:data", cwd=room)
    check("and keeps the events", len(ran.stdout.splitlines()) == 20, ran)
    for words in (("--events", "0"), ("--batch", "5000"), ("--bytes", "1"), ("--dir", "nothing/there")):
        ran = run(TIDINGS, "bench", *words, cwd=room)
        check(f"bench {words} is refused", ran.returncode in (1, 2) and "hint:" in ran.stderr, ran)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        doctor(room)
        bench(room)
    return done()


if __name__ == "__main__":
    sys.exit(main())
