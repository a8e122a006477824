"""What the tests of the command line share: the real binary, run, and what it said.

A *session* is a list of command lines; its transcript is compared with a golden file, in which whatever
differs from run to run (ids that were drawn, times of now) has a name instead.
"""

import os
import pathlib
import pty
import re
import select
import shlex
import subprocess
import sys

FAILED = []
GOLDEN = pathlib.Path(__file__).parent / "golden"
# Generous: a machine may be busy.
SECONDS = 60


def check(what, condition, ran=None):
    if not condition:
        FAILED.append(what)
        print(f"not ok: {what}", *([ran.args[1:], ran.returncode, ran.stdout[:3000], ran.stderr[:3000]] if ran else []))


def environment(**more):
    """Ours, without what a user's own may say of output or place."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_") and name not in ("NO_COLOR", "COLUMNS")}
    return {**kept, "TERM": "xterm", "LC_ALL": "C.UTF-8", "TZ": "UTC", **more}


def run(tidings, *words, cwd=None, env=None, stdin=""):
    return subprocess.run([tidings, *words], cwd=cwd, env=environment(**(env or {})), input=stdin, capture_output=True,
                          text=True, timeout=SECONDS)


def on_terminal(tidings, *words, cwd=None, env=None):
    """Exit code and all that appears where standard output and error are a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(cwd or ".")
        os.execve(tidings, [tidings, *words], environment(**(env or {})))
    seen = b""
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # its end
            break
        if not part:
            break
        seen += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode(errors="replace").replace("\r\n", "\n")


DRAWN = [
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b(?!2026-01)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"), "NOW"),
]


def masked(text):
    for pattern, name in DRAWN:
        text = pattern.sub(name, text)
    return text


def transcript(tidings, session, cwd, env):
    """"$ line", what it said on standard output, "! " before what on the other, "= " and a code that is not 0."""
    said = []
    for line in session:
        ran = run(tidings, *shlex.split(line), cwd=cwd, env=env)
        said.append(f"$ tidings {line}")
        said += ran.stdout.splitlines()
        said += ["! " + words for words in ran.stderr.splitlines()]
        said += [f"= {ran.returncode}"] if ran.returncode else []
    return masked("\n".join(said) + "\n")


def golden(name, text):
    """Compare with test/cli/golden/NAME.txt; TD_GOLDEN_WRITE=1 writes it."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("TD_GOLDEN_WRITE"):
        path.write_text(text)
    wanted = path.read_text() if path.exists() else ""
    if text == wanted:
        return
    FAILED.append(name)
    for number, (is_, was) in enumerate(zip(text.splitlines() + [""] * 999, wanted.splitlines() + [""] * 999), 1):
        if is_ != was:
            print(f"not ok: {path.name}:{number}\n  is:     {is_}\n  wanted: {was}")
            break


def program(number=1):
    return str(pathlib.Path(sys.argv[number]).resolve())


def done():
    print(f"{len(FAILED)} failed" if FAILED else "ok")
    return int(FAILED != [])
