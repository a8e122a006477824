#!/usr/bin/env python3
"""`tidings serve`: it says where it is, serves, ends when told, and what it acknowledged is there again.

    test/cli/test_serve.py TIDINGS
"""

import http.client
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile

from tool import SECONDS, check, done, environment, program, run

TIDINGS = program()
EVENT = json.dumps({"specversion": "1.0", "id": "e0", "source": "test", "type": "T", "subject": "a.0", "data": 0})


class Server:
    """One that is started, and ended by its process id."""

    def __init__(self, room, *words, address="127.0.0.1:0"):
        read, write = os.pipe()
        self.child = subprocess.Popen([TIDINGS, "serve", "--data", "data", "--http", address, "--ready-fd", str(write), *words], cwd=room,
                                      env=environment(), pass_fds=[write], stderr=subprocess.PIPE, text=True)
        os.close(write)
        line = b""
        while not line.endswith(b"\n") and select.select([read], [], [], SECONDS)[0]:
            part = os.read(read, 1)
            if not part:
                break
            line += part
        os.close(read)
        self.http = json.loads(line)["http"] if line else None

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.http, timeout=SECONDS)
        connection.request(method, path, body, {"Content-Type": "application/cloudevents+json"} if body else {})
        answer = connection.getresponse()
        said = answer.status, answer.read()
        connection.close()
        return said

    def publish(self, number):
        status, said = self.ask("POST", "/v1/events", json.dumps(
            {"specversion": "1.0", "id": f"e{number}", "source": "test", "type": "T", "subject": f"a.{number % 3}", "data": number}))
        return status == 201 and json.loads(said)["position"]

    def end(self, how=signal.SIGTERM):
        self.child.send_signal(how)
        said = self.child.communicate(timeout=SECONDS)[1]
        return self.child.returncode, said


def stored(room):
    ran = run(TIDINGS, "read", "--url", "file:data", "--format", "{id}", cwd=room)
    return ran.stdout.split()


def told_to_end(room):
    for how in (signal.SIGTERM, signal.SIGINT):
        server = Server(room)
        check("it says where it is", server.http and server.http.startswith("127.0.0.1:"))
        status, said = server.ask("POST", "/v1/events", EVENT)
        check(f"it stores, once: {said}", status in (200, 201) and json.loads(said)["position"])
        code, said = server.end(how)
        check(f"{how}: exit 0, and says where it was: {said}", code == 0 and f"http://{server.http}" in said)
    check("what was published twice is there once", stored(room) == ["e0"])


def killed(room):
    server = Server(room)
    acknowledged = [f"e{number}" for number in range(1, 40) if server.publish(number)]
    check("all are acknowledged", len(acknowledged) == 39)
    code, _ = server.end(signal.SIGKILL)
    check("it is killed", code == -signal.SIGKILL)
    server = Server(room)
    check("and serves again", server.publish(40))
    check("and ends", server.end()[0] == 0)
    check("with all that was acknowledged", stored(room) == ["e0", *acknowledged, "e40"])


def refused(room):
    server = Server(room)
    ran = run(TIDINGS, "serve", "--data", "other", "--http", server.http, cwd=room)
    check("a port that is taken: exit 1, and which", ran.returncode == 1 and server.http in ran.stderr, ran)
    ran = run(TIDINGS, "serve", "--data", "data", "--http", "127.0.0.1:0", cwd=room)
    check("a store that is open: exit 1", ran.returncode == 1 and "[held-elsewhere]" in ran.stderr, ran)
    check("the first goes on", server.end()[0] == 0)
    ran = run(TIDINGS, "serve", "--http", "0.0.0.0:0", cwd=room)
    check("from elsewhere without authentication: refused, and it names the flag", ran.returncode == 2 and "--http" in ran.stderr, ran)
    ran = run(TIDINGS, "serve", "--http", "nonsense", cwd=room)
    check("no address: exit 2", ran.returncode == 2, ran)
    ran = run(TIDINGS, "serve", "--http", "127.0.0.1:0", "--ready-fd", "77", "--data", "third", cwd=room)
    check("a descriptor that is none: exit 1", ran.returncode == 1 and "--ready-fd 77" in ran.stderr, ran)
    segment = next(path for path in sorted((pathlib.Path(room) / "data").glob("seg-*.log")))
    whole = segment.read_bytes()
    at = whole.index(b"test")
    segment.write_bytes(whole[:at] + b"toast"[:4] + whole[at + 4:])
    ran = run(TIDINGS, "serve", "--data", "data", "--http", "127.0.0.1:0", cwd=room)
    check("a damaged store: exit 6", ran.returncode == 6 and "[damaged]" in ran.stderr, ran)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        told_to_end(room)
        killed(room)
        refused(room)
    return done()


if __name__ == "__main__":
    sys.exit(main())
