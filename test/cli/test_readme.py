#!/usr/bin/env python3
"""What README.md says to type is typed, in its order, in one shell on a terminal; what it shows is what appears.

    test/cli/test_readme.py TIDINGS README.md

A block of sh behind a line `<!-- type it -->` is run; a block of text behind it is what it says, but for ids that
are drawn. A server that is started with & is waited for, and listens on a port that is free.
"""

import os
import pathlib
import pty
import re
import select
import signal
import socket
import sys
import tempfile

from tool import DRAWN, SECONDS, check, done, environment, program

TIDINGS = program()
README = pathlib.Path(sys.argv[2])
BLOCK = re.compile(r"^<!-- type it -->\n```sh\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.S | re.M)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def script(blocks, port):
    """All blocks, each behind a line that names it."""
    lines = ["set -u"]
    for number, (words, _) in enumerate(blocks):
        words = words.replace("tidings serve ", "tidings serve --http 127.0.0.1:8222 ")
        lines += [f"echo '== {number}'", words.replace("8222", str(port))]
        if "&\n" in words:  # in the README a person's pause
            at = words.index("&\n") + 2
            wait = f"until curl -s http://127.0.0.1:{port}/v1/events >/dev/null; do sleep 0.05; done\n"
            lines[-1] = (words[:at] + wait + words[at:]).replace("8222", str(port))
    return "\n".join(lines) + "\necho '== end'\nexit 0\n"


def typed(text, room, port):
    path = pathlib.Path(room) / "typed.sh"
    path.write_text(text)
    bin_ = pathlib.Path(room) / "bin"
    bin_.mkdir()
    (bin_ / "tidings").symlink_to(TIDINGS)
    env = environment(PATH=f"{bin_}:{os.environ['PATH']}", NO_COLOR="1", COLUMNS="120", TIDINGS_URL=f"http://127.0.0.1:{port}")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(room)
        os.execvpe("bash", ["bash", str(path)], env)
    seen = b""
    while b"== end" not in seen and select.select([terminal], [], [], SECONDS)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        seen += part
    try:
        os.killpg(pid, signal.SIGKILL)  # the shell, and a server if one is left
    except ProcessLookupError:
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    return seen.decode(errors="replace").replace("\r\n", "\n")


def masked(text, port):
    for pattern, name in DRAWN:
        text = pattern.sub(name, text)
    return [line.rstrip() for line in text.replace(str(port), "8222").splitlines()]


def main():
    blocks = BLOCK.findall(README.read_text())
    check("the README has commands", len(blocks) >= 4)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        seen = typed(script(blocks, port), room, port)
    check(f"all of it ran: {seen}", "== end" in seen)
    for number, (words, wanted) in enumerate(blocks):
        part = seen.partition(f"== {number}\n")[2].partition("\n== ")[0]
        said = masked(part, port)
        check(f"block {number}: a command is not known: {said}", "not found" not in part or "[not-found]" in part)
        if wanted:
            shown = [line for line in said if line and "serves http" not in line]
            check(f"block {number} says\n" + "\n".join(shown) + "\nand the README\n" + wanted, shown == masked(wanted, port))
        else:
            check(f"block {number} fails: {said}", not re.search(r"^tidings: .*\[|^curl: ", part, re.M))
    return done()


if __name__ == "__main__":
    sys.exit(main())
