#!/usr/bin/env python3
"""`tidings demo`: a day at the pizzeria, what GitHub told, one program in three places; each ends, and leaves nothing.

    test/cli/test_demo.py TIDINGS
"""

import json
import os
import pathlib
import re
import select
import signal
import subprocess
import sys
import tempfile

from tool import SECONDS, check, done, environment, program, run

TIDINGS = program()


def events_of(ran):
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    return said[:-1], said[-1].get("summary")


def a_day(room):
    ran = run(TIDINGS, "demo", "--for", "4s", "--port", "0", "--json", cwd=room, env={"TMPDIR": room})
    check("it ends with exit 0", ran.returncode == 0, ran)
    events, summary = events_of(ran)
    check("what was published is stored", summary["events"] == summary["stored"] == len(events) > 0, ran)
    check("every order comes to its end", summary["placed"] == summary["delivered"] + summary["declined"] + summary["cancelled"] > 0, ran)
    ids = {event["id"]: event for event in events}
    for event in events:
        cause = ids.get(event.get("causationid"))
        check(f"{event['type']} has its cause", event["type"] == "OrderPlaced" or (
            cause and cause["subject"] == event["subject"] and int(cause["tdposition"]) < int(event["tdposition"])))
    sources = {event["source"] for event in events}
    check(f"services speak for themselves: {sources}", {"orders", "payments", "mail"} <= sources)
    check("nothing is left", os.listdir(room) == [])


def for_people(room):
    """Until Ctrl-C; then a summary all the same."""
    with subprocess.Popen([TIDINGS, "demo", "--port", "0"], cwd=room, env=environment(TMPDIR=room), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        seen = b""
        while b"OrderDelivered" not in seen and select.select([child.stdout], [], [], SECONDS)[0]:
            part = os.read(child.stdout.fileno(), 65536)
            if not part:
                break
            seen += part
        child.send_signal(signal.SIGINT)
        rest, errors = child.communicate(timeout=SECONDS)
    text = (seen + rest).decode()
    check(f"it says where it is, and what to try: {errors}", re.search(r"page    http://127\.0\.0\.1:\d+/\n", text) and "tidings subscribe" in text
          and "curl '" in text)
    check(f"Ctrl-C: exit 0 and a summary: {text[-300:]} {errors}", child.returncode == 0 and re.search(
        r"(\d+) events were published, and \1 are stored", text))
    check("nothing is left", os.listdir(room) == [])


def from_github(room):
    lines = [{"event": "push", "delivery": "d1", "payload": {"repository": {"full_name": "octo/my.repo"}, "big": 12345678901234567890}},
             {"event": "issues", "delivery": "d2", "payload": {"action": "opened", "repository": {"full_name": "octo/my.repo"}}},
             {"event": "ping", "payload": {"zen": "x"}}]
    path = pathlib.Path(room) / "github.ndjson"
    path.write_text("\n".join([json.dumps(lines[0]), json.dumps(lines[1]), "nonsense", '{"event": 1}', json.dumps(lines[2])]) + "\n")
    ran = run(TIDINGS, "demo", "--github", "github.ndjson", "--port", "0", "--json", cwd=room, env={"TMPDIR": room})
    events, summary = events_of(ran)
    check("three of five lines", ran.returncode == 0 and summary == {"events": 3, "stored": 3, "bad": 2}, ran)
    check("types and subjects", [(event["type"], event["subject"]) for event in events] == [
        ("github.push", "repo.octo.my-repo"), ("github.issues.opened", "repo.octo.my-repo"), ("github.ping", "github")], ran)
    check("payloads as they are", "12345678901234567890" in ran.stdout and events[0]["id"] == "d1", ran)
    check("bad lines are named", "line 3" in ran.stderr and "line 4" in ran.stderr, ran)
    path.unlink()
    ran = run(TIDINGS, "demo", "--github", "nothing", "--port", "0", cwd=room, env={"TMPDIR": room})
    check("no such file: exit 1", ran.returncode == 1, ran)
    check("nothing is left", os.listdir(room) == [])


def in_three_places(room):
    ran = run(TIDINGS, "demo", "--places", "--json", cwd=room, env={"TMPDIR": room})
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    places = [row["place"].split(":")[0] for row in said]
    check("mem:, file: twice, http:", ran.returncode == 0 and places == ["mem", "file", "file", "http"], ran)
    check("killed in the middle", "SIGKILL" in said[1]["said"], ran)
    check("and nothing lost", [row["said"] for row in said if "placed" in row["said"]] == ["200 placed, 200 paid"] * 3, ran)
    check("nothing is left", os.listdir(room) == [])


def main():
    for part in (a_day, for_people, from_github, in_three_places):
        with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
            part(room)
    ran = run(TIDINGS, "demo", "--port", "99999")
    check("no port: exit 2", ran.returncode == 2, ran)
    return done()


if __name__ == "__main__":
    sys.exit(main())
