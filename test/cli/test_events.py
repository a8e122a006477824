#!/usr/bin/env python3
"""publish, read, subscribe, log, show, logs, status and explain on "file:", as they answer in a pipe.

    test/cli/test_events.py TIDINGS         TD_GOLDEN_WRITE=1 writes the golden transcripts anew
"""

import json
import pathlib
import sys
import tempfile

from tool import check, done, golden, program, run, transcript

TIDINGS = program()
AT = "--time 2026-01-05T12:00:0{}Z --id e{}"

SESSION = [
    "read",
    f"publish order.42 OrderPlaced '{{\"total\": 12.50, \"lines\": [1, 2]}}' {AT.format(1, 1)}",
    f"publish order.42 OrderPaid --expect 1 -a region=eu -a causationid=e1 -a correlationid=e1 {AT.format(2, 2)}",
    f"publish order.42 OrderPaid --expect 1 {AT.format(3, 3)}",
    f"publish order.42 OrderPaid --expect none {AT.format(3, 3)}",
    f"publish order.43 OrderPlaced --expect exists {AT.format(3, 3)}",
    f"publish order.43 OrderPlaced --expect soon {AT.format(3, 3)}",
    f"publish order.43 Note --content-type text/plain 'two\twords' {AT.format(4, 4)}",
    f"publish order.43 Note --content-type text/plain 'two\twords' {AT.format(4, 4)}",
    f"publish order.43 Note --content-type text/plain 'other words' {AT.format(4, 4)}",
    f"publish - HouseOpened {AT.format(5, 5)}",
    "publish order.44 Bad 'no json'",
    "publish 'order..44' Bad",
    "publish order.44",
    "publish order.44 Bad -a region",
    "publish a b c d",
    "read",
    "read order.42 --type OrderPaid",
    "read --reverse --limit 2",
    "read --latest",
    "read --from 4 --to 4",
    "read --from e2 --to now",
    "read --from yesterday",
    "read --filter \"region = 'eu'\"",
    "read --filter 'region ='",
    "read --format '{position} {log}#{seq} {subject}@{revision} {type} {region} {data.total} {/lines/1} {{}' order.42",
    "read --format '{nothing'",
    "read --format '{/bad~pointer}'",
    "read --raw order.43",
    "read --raw --json",
    "read --json order.42 --limit 1",
    "read --at-least 1000 --timeout 10ms",
    "log order.42",
    "log order.42 --reverse --from 2",
    "log order.4",
    "log order.99999 --json",
    "show order.42",
    "show order.42@1",
    "show e1",
    "show order.42@9",
    "show e1 --raw",
    "show e2 --json",
    "show ordr.42",
    "subscribe --from start --count 2",
    "subscribe --from start --count 9 --timeout 50ms --json",
    "subscribe 'order.>' --from 1000000h --count 1 --raw",
    "subscribe --timeout 10ms",
    "logs",
    "logs create orders --subject 'order.>'",
    "logs create orders --subject 'order.>' --adopt --age 7d --events 1000",
    "logs create bills --subject 'bill.*' --bytes 1MiB --at-limit refuse",
    "logs",
    "logs change bills --events 10",
    "logs show bill",
    "logs create empty",
    "logs delete orders",
    "logs delete order --yes",
    "logs delete orders --yes",
    "logs rename orders",
    "explain 25",
    "explain revision-conflct",
    "explain TD_E_HELD --json",
    "explain nonsense",
    "publish order.1 A --url mem:",
    "publish order.1 A --url nothing:else",
    "nonsense",
    "publis order.1 A",
    "read --limt 3",
    "read --limit",
    "read --limit=many",
    "read --json=1",
    "read --color=sometimes",
    "read --timeout 1parsec",
    "read --limit 1 --limit 2",
    "log",
    "completion csh",
    "read --limt 3 --json",
]

LINES = """{"kind":"Placed","id":1,"at":"2026-01-05T12:00:00Z"}
{"specversion":"1.0","id":"own","source":"shop","type":"Own","subject":"o.own","data":[1]}

{"kind":"Paid","id":"two"}
no json
{"kind":"Lost"}
{"kind":{},"id":6}
{"kind":"Paid","id":8,"at":"2026-01-05T12:00:00Z"}
"""
FROM = "publish --from lines.ndjson --type '{/kind}' --subject 'o.{/id}'"
FROM_SESSION = [
    "publish --from nothing.ndjson --type A",
    "publish --from lines.ndjson",
    f"{FROM} more",
    FROM,
    "read --format '{source} {id} {type} {subject} {data}'",
    f"{FROM} --on-error skip",
    f"{FROM} --on-error skip --json",
    f"{FROM} --on-error skip --check-all --batch 1",
    "read --format '{source} {id} {type} {subject} {data}'",
    "publish --from lines.ndjson --type '{/kind' --on-error stop",
    "publish --from lines.ndjson --type 'T{/id}' --subject a --time '{/at}' --id '{/kind}-{/id}' --on-error skip",
]


def one_by_one(room):
    golden("events", transcript(TIDINGS, SESSION, room, {"TIDINGS_URL": "file:data"}))


def of_a_file(room):
    (pathlib.Path(room) / "lines.ndjson").write_text(LINES)
    golden("from", transcript(TIDINGS, FROM_SESSION, room, {"TIDINGS_URL": "file:data-from"}))


def stored(room, url):
    return [json.loads(line) for line in run(TIDINGS, "read", "--json", "--url", url, cwd=room).stdout.splitlines()]


def cut_off(room):
    """What was published of a file up to any line, is not published again."""
    lines = [json.dumps({"kind": "T", "id": i % 7, "text": "x" * (i % 50)}) for i in range(250)]
    path = pathlib.Path(room) / "many.ndjson"
    words = ("publish", "--from", "many.ndjson", "--type", "{/kind}", "--subject", "s.{/id}", "--url", "file:data-cut")
    for upto, batch in ((1, 10), (37, 10), (100, 100), (103, 7), (249, 1000), (250, 100)):
        path.write_text("\n".join(lines[:upto]) + "\n")
        ran = run(TIDINGS, *words, "--batch", str(batch), cwd=room)
        check(f"up to line {upto}", ran.returncode == 0, ran)
    events = stored(room, "file:data-cut")
    check("every line is stored once, in order", [event["data"] for event in events] == [json.loads(line) for line in lines])


def through_a_pipe(room):
    ran = run(TIDINGS, "read", "--json", "--url", "file:data-cut", cwd=room)
    copied = run(TIDINGS, "publish", "--from", "-", "--url", "file:data-copy", cwd=room, stdin=ran.stdout)
    check("what read --json writes, publish --from takes", copied.returncode == 0, copied)
    a, b = stored(room, "file:data-cut"), stored(room, "file:data-copy")
    for event in a + b:
        del event["recordedtime"]
    check("and it comes out the same", a == b)
    ran = run(TIDINGS, "publish", "a.b", "Piped", "-", "--url", "file:data-copy", cwd=room, stdin='{"n": 1}')
    check("data from standard input", ran.returncode == 0, ran)
    (pathlib.Path(room) / "d.bin").write_bytes(b"\x00\xff bytes\n")
    ran = run(TIDINGS, "publish", "a.b", "Bytes", "@d.bin", "--content-type", "application/octet-stream", "--json",
              "--url", "file:data-copy", cwd=room)
    check("data from a file", ran.returncode == 0 and json.loads(ran.stdout)["revision"] == 2, ran)
    ran = run(TIDINGS, "show", "a.b", "--json", "--url", "file:data-copy", cwd=room)
    check("and they are bytes", json.loads(ran.stdout)["event"]["data_base64"] == "AP8gYnl0ZXMK", ran)


def errors_as_json(room):
    ran = run(TIDINGS, "publish", "order.1", "A", "--expect", "7", "--json", "--url", "file:data-copy", cwd=room)
    said = json.loads(ran.stderr)
    check("errors are JSON, too", ran.returncode == 4 and said["error"] == "revision-conflict" and said["exit"] == 4 and said["hint"], ran)
    check("and nothing stands on standard output", ran.stdout == "", ran)


def status(room):
    ran = run(TIDINGS, "status", "--json", "--url", "file:data-cut", cwd=room)
    said = json.loads(ran.stdout)
    check("status counts", said["events"] == 250 and said["subjects"] == 7 and said["needs"] is None, ran)
    ran = run(TIDINGS, "status", "--url", "file:data-cut", cwd=room)
    check("status in a pipe", "events\t250\n" in ran.stdout, ran)
    ran = run(TIDINGS, "status", "--url", "file:never", cwd=room)
    check("looking makes no store", ran.returncode == 1 and not (pathlib.Path(room) / "never").exists(), ran)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        one_by_one(room)
        of_a_file(room)
        cut_off(room)
        through_a_pipe(room)
        errors_as_json(room)
        status(room)
    return done()


if __name__ == "__main__":
    sys.exit(main())
