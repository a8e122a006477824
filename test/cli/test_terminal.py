#!/usr/bin/env python3
"""The command line on a terminal: tables, colours, what is cut, Ctrl-C.

    test/cli/test_terminal.py TIDINGS
"""

import os
import pty
import re
import select
import signal
import sys
import tempfile

from tool import SECONDS, check, done, environment, on_terminal, program, run

TIDINGS = program()
URL = {"TIDINGS_URL": "file:data"}


def write(room):
    for number, (subject, data) in enumerate([("order.1", '{"n": 1}'), ("a.subject.that.is.long", '{"text": "' + "long " * 40 + '"}'),
                                              ("order.\u00fc", '"\u001b[2J"'.replace("\u001b", "\\u001b"))]):
        ran = run(TIDINGS, "publish", subject, "OrderPlaced", data, "--id", f"e{number}", cwd=room, env=URL)
        check("written", ran.returncode == 0, ran)
    ran = run(TIDINGS, "publish", "evil", "Evil", "--content-type", "text/plain", "\033[2J\033]0;title\007\n two", cwd=room, env=URL)
    check("written", ran.returncode == 0, ran)


def tables(room):
    code, text = on_terminal(TIDINGS, "read", "--color", "never", cwd=room, env={**URL, "COLUMNS": "100"})
    lines = text.splitlines()
    check(f"a table has a head: {text}", code == 0 and re.match(r"POSITION +TIME +SUBJECT +REV +TYPE +DATA$", lines[0]))
    check("and no line is wider than the terminal", all(len(line) <= 100 for line in lines))
    check("what is cut says so", any(line.endswith("...") for line in lines))
    check("times are relative", any(re.search(r"\bnow\b|\d+ (s|min) ago", line) for line in lines))
    check("nothing moves the cursor", "\033" not in text and "\007" not in text)
    code, text = on_terminal(TIDINGS, "logs", cwd=room, env={**URL, "NO_COLOR": "1"})
    lines = text.splitlines()
    at = lines[0].index("EVENTS") + len("EVENTS")
    check(f"numbers stand to the right: {text}", lines[1][:at].endswith(" 4") and "\033" not in text)


def colours(room):
    for words, env, coloured in ((("--color", "always"), {"NO_COLOR": "1"}, True), ((), {}, True), ((), {"NO_COLOR": "1"}, False),
                                 ((), {"NO_COLOR": ""}, True), ((), {"TERM": "dumb"}, False), (("--color", "never"), {}, False)):
        _, text = on_terminal(TIDINGS, "read", "order.1", *words, cwd=room, env={**URL, **env})
        check(f"colours with {words} {env}", ("\033[" in text) == coloured)
    ran = run(TIDINGS, "read", "order.1", cwd=room, env=URL)
    check("none in a pipe", "\033" not in ran.stdout, ran)
    ran = run(TIDINGS, "read", "order.1", "--color", "always", cwd=room, env=URL)
    check("none of a tab-separated line is coloured", ran.stdout.count("\t") == 5, ran)
    _, text = on_terminal(TIDINGS, "nonsense", cwd=room)
    check("errors are, too", "\033[1;31mtidings:" in text)


def interrupted(room):
    """Ctrl-C ends a subscription: how many came, and where to go on."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(room)
        os.execve(TIDINGS, [TIDINGS, "subscribe", "--from", "start", "--format", "{position}"], environment(**URL))
    seen = b""
    while seen.count(b"\n") < 4 and select.select([terminal], [], [], SECONDS)[0]:
        seen += os.read(terminal, 4096)
    os.kill(pid, signal.SIGINT)
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            break
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    check(f"Ctrl-C: {code} {seen}", code == 0 and re.search(rb"4 events; go on with --from \d+", seen))


def closed(room):
    """Whoever reads may go."""
    import subprocess
    with subprocess.Popen(["sh", "-c", f"'{TIDINGS}' read --json | head -n 1"], cwd=room, env=environment(**URL), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as child:
        out, err = child.communicate(timeout=SECONDS)
    check("a closed pipe is quiet", out.count(b"\n") == 1 and err == b"")
    ran = subprocess.run(["sh", "-c", f"'{TIDINGS}' read >/dev/full"], cwd=room, env=environment(**URL), capture_output=True, timeout=SECONDS)
    check("a full disk is not", ran.returncode == 1 and b"cannot be written" in ran.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        write(room)
        tables(room)
        colours(room)
        interrupted(room)
        closed(room)
    return done()


if __name__ == "__main__":
    sys.exit(main())
