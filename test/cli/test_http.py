#!/usr/bin/env python3
"""The verbs over http://, against `tidings serve`: the same session says the same as on "file:".

    test/cli/test_http.py TIDINGS
"""

import json
import sys
import tempfile

import test_events
from server import Server
from tool import check, done, program, run, transcript

TIDINGS = program()

# What differs by the place, and is told elsewhere: a store that is not there yet, `latest`, nearest subjects, and how
# much comes in 50 ms.
BY_PLACE = ("read", "read --latest", "log order.4", "log order.99999 --json", "show ordr.42", "logs",
            "subscribe --from start --count 9 --timeout 50ms --json")


def comparable(session, room, url):
    said = transcript(TIDINGS, session, room, {"TIDINGS_URL": url})
    return said.replace(url, "PLACE").replace("min-position: ", "").splitlines()


def without_subjects(line):
    """A log's row but for the count of subjects, which a server does not tell."""
    cells = line.split("\t")
    return cells[:3] + cells[4:] if len(cells) == 7 and cells[1].isdigit() and cells[3].isdigit() else cells


def same_session(room):
    session = [line for line in test_events.SESSION if line not in BY_PLACE]
    here = comparable(session, room, "file:here")
    server = Server(TIDINGS, room, "there")
    there = comparable(session, room, server.url)
    check("the server ends well", server.end()[0] == 0)
    check(f"as many lines: {len(here)} and {len(there)}", len(here) == len(there))
    for number, (a, b) in enumerate(zip(here, there)):
        if without_subjects(a) != without_subjects(b):
            check(f"line {number}: on file: {a}\n  over http: {b}", False)
            break


def across_processes(room):
    """What one publishes, another who waits is shown; and a story has what caused it."""
    server = Server(TIDINGS, room, "two")
    url = ("--url", server.url)
    ran = run(TIDINGS, "publish", "order.1", "OrderPlaced", '{"n": 1}', "--id", "e1", *url, cwd=room)
    check("published", ran.returncode == 0, ran)
    ran = run(TIDINGS, "publish", "order.1", "OrderPaid", "--id", "e2", "-a", "causationid=e1", "-a", "correlationid=e1", *url, cwd=room)
    check("published with its cause", ran.returncode == 0, ran)
    ran = run(TIDINGS, "subscribe", "order.*", "--from", "start", "--count", "2", "--timeout", "60s", "--json", *url, cwd=room)
    check("both are shown", ran.returncode == 0 and [json.loads(line)["id"] for line in ran.stdout.splitlines()] == ["e1", "e2"], ran)
    ran = run(TIDINGS, "read", "--at-least", "3", "--timeout", "60s", "--format", "{id}", *url, cwd=room)
    check("who waits for a position reads it", ran.stdout.split() == ["e1", "e2"], ran)
    ran = run(TIDINGS, "status", "--json", *url, cwd=room)
    check("status", ran.returncode == 0 and json.loads(ran.stdout)["events"] == 2, ran)
    for words in (("story", "e1"), ("story", "e2"), ("story", "order.1"), ("flow",)):
        ran = run(TIDINGS, *words, *url, cwd=room)
        check(f"{words} shows who causes what", ran.returncode == 0 and "OrderPlaced" in ran.stdout and "OrderPaid" in ran.stdout, ran)
        again = run(TIDINGS, *words, "--json", *url, cwd=room)
        check(f"{words} as JSON", again.returncode == 0 and json.loads(again.stdout), again)
    ran = run(TIDINGS, "story", "nothing", *url, cwd=room)
    check("a story that nobody knows", ran.returncode in (0, 1), ran)
    check("the server ends well", server.end()[0] == 0)
    ran = run(TIDINGS, "status", *url, cwd=room)
    check("nobody answers: exit 3, and says so", ran.returncode == 3 and "tidings serve" in ran.stderr, ran)
    ran = run(TIDINGS, "flow", *url, cwd=room)
    check("the same for what is fetched", ran.returncode == 3 and "tidings serve" in ran.stderr, ran)
    for words in (("story", "e1"), ("flow",)):
        ran = run(TIDINGS, *words, "--url", "file:two", cwd=room)
        check(f"{words} of the store itself", ran.returncode == 0 and "OrderPaid" in ran.stdout, ran)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        same_session(room)
        across_processes(room)
    return done()


if __name__ == "__main__":
    sys.exit(main())
