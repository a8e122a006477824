#!/usr/bin/env python3
"""`tidings serve`: it says where it is, serves, ends when told, and what it acknowledged is there again.

    test/cli/test_serve.py TIDINGS
"""

import base64
import http.client
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

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


def until(what, look):
    """A generous time for something that comes soon."""
    end = time.monotonic() + SECONDS
    while not look():
        if time.monotonic() > end:
            check(what, False)
            return
        time.sleep(0.01)


def configured(room):
    """A file, another at SIGHUP, and one with a mistake."""
    room = pathlib.Path(room)
    file, users = room / "t.conf", room / "users"
    file.write_text("log-format = json\n[log orders]\nsubjects = order.>\n")
    ran = run(TIDINGS, "serve", "--config", "t.conf", "--check-config", cwd=room)
    check("a file that is well: exit 0", ran.returncode == 0, ran)
    ran = run(TIDINGS, "config", "--config", "t.conf", "--workers", "3", cwd=room, env={"TIDINGS_IDLE_TIME": "5s"})
    for line in ("# --workers\nworkers = 3\n", "# TIDINGS_IDLE_TIME\nidle-time = 5s\n", "# t.conf:1\nlog-format = json\n",
                 "# default\nhead-time = 10s\n", "[log orders]\nsubjects = order.>\n"):
        check(f"config shows {line!r}", line in ran.stdout, ran)
    (room / "again.conf").write_text(ran.stdout)
    again = run(TIDINGS, "config", "--config", "again.conf", "--json", cwd=room)
    check("what config shows is read the same", '{"name":"idle-time","value":"5s","origin":"again.conf:' in again.stdout, again)
    server = Server(room, "--config", "t.conf")
    check("it serves", server.publish(1))
    users.write_text("[user ann]\npublish = >\n")
    users.chmod(0o600)
    file.write_text("log-format = json\nusers = users\n[log orders]\nsubjects = order.>\n")
    server.child.send_signal(signal.SIGHUP)
    until("users count after SIGHUP", lambda: server.ask("POST", "/v1/events", EVENT)[0] == 401)
    users.write_text("[user ann]\nraed = >\n")
    server.child.send_signal(signal.SIGHUP)
    check("with a mistake nothing changes", server.ask("POST", "/v1/events", EVENT)[0] == 401)
    ran = run(TIDINGS, "serve", "--config", "t.conf", "--check-config", cwd=room)
    check("a file with a mistake: exit 2, and where", ran.returncode == 2 and "line 2" in ran.stderr and "did you mean `read`" in ran.stderr, ran)
    code, said = server.end()
    check("it ends", code == 0)
    lines = [json.loads(line) for line in said.splitlines()]
    check("each line is JSON", all({"time", "level", "message"} <= set(line) for line in lines))
    check("it tells of the reload", any(line["message"].startswith("reloaded: 1 settings differ") for line in lines))


def people(room):
    """`tidings user`, and a server that believes the file."""
    def user(*words, stdin=""):
        return run(TIDINGS, "user", *words, "--users", "users", cwd=room, stdin=stdin)

    check("a first user makes the file", user("add", "shop", "--publish", "a.>", "--read", "a.>").returncode == 0)
    check("it is its owner's alone", (pathlib.Path(room) / "users").stat().st_mode & 0o777 == 0o600)
    ran = user("add", "shop")
    check("twice: refused", ran.returncode == 1 and "[already-exists]" in ran.stderr, ran)
    ran = user("token", "shop", "laptop")
    token = ran.stdout.strip()
    check("a token is printed, once", ran.returncode == 0 and token.startswith("td_") and token not in (pathlib.Path(room) / "users").read_text(), ran)
    check("a password comes by standard input", user("password", "shop", stdin="sesame\n").returncode == 0)
    check("an empty one is refused", user("password", "shop", stdin="\n").returncode == 2)
    check("a pattern that is none is refused", user("allow", "shop", "--read", "a..b").returncode == 1)
    ran = user("list")
    check("they are listed", ran.stdout == "shop\tyes\t1\t0\t2\n", ran)
    server = Server(room, "--users", "users")

    def ask(authorization):
        connection = http.client.HTTPConnection(server.http, timeout=SECONDS)
        connection.request("POST", "/v1/events", EVENT, {"Content-Type": "application/cloudevents+json", **authorization})
        status = connection.getresponse().status
        connection.close()
        return status

    check("nobody: 401", ask({}) == 401)
    check("the token", ask({"Authorization": f"Bearer {token}"}) in (200, 201))
    check("the password", ask({"Authorization": "Basic " + base64.b64encode(b"shop:sesame").decode()}) in (200, 201))
    check("another", ask({"Authorization": "Basic " + base64.b64encode(b"shop:Sesame").decode()}) == 401)
    check("the token is revoked", user("revoke", "shop", "laptop").returncode == 0)
    server.child.send_signal(signal.SIGHUP)
    until("it is not known any more", lambda: ask({"Authorization": f"Bearer {token}"}) == 401)
    check("what is stored says who", server.end()[0] == 0)
    ran = run(TIDINGS, "read", "--url", "file:data", "--json", cwd=room)
    check("authid is stamped", '"authid":"shop"' in ran.stdout, ran)
    check("a user is removed", user("remove", "shop").returncode == 0 and user("list").stdout == "")
    check("one that is not there: exit 1", user("remove", "shop").returncode == 1)
    check("which file: exit 2", run(TIDINGS, "user", "list", cwd=room).returncode == 2)


def supervised(room):
    """systemd, played by a socket of ours: told of ready and stopping; and what listens is handed over."""
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(pathlib.Path(room) / "notify"))
    heard.settimeout(SECONDS)
    listener = socket.create_server(("127.0.0.1", 0))
    handed = "exec 3<&%d; exec env LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=http NOTIFY_SOCKET=\"$1\" \"$0\" serve --data data" % listener.fileno()
    child = subprocess.Popen(["sh", "-c", handed, str(pathlib.Path(TIDINGS).resolve()), str(pathlib.Path(room) / "notify")], cwd=room,
                             env=environment(), pass_fds=[listener.fileno()], stderr=subprocess.PIPE, text=True)
    told = []
    while not any("READY=1" in line for line in told):
        told.append(heard.recv(4096).decode())
    check("the store may take its time", "EXTEND_TIMEOUT_USEC=" in told[0])
    address = "%s:%d" % listener.getsockname()
    check("where it serves is where it was told to", address in told[-1])
    connection = http.client.HTTPConnection(address, timeout=SECONDS)
    connection.request("GET", "/readyz")
    check("it serves there", connection.getresponse().status == 200)
    connection.close()
    child.send_signal(signal.SIGTERM)
    while "STOPPING=1" not in told[-1]:
        told.append(heard.recv(4096).decode())
    check("it ends", child.wait(timeout=SECONDS) == 0)
    child.stderr.close()
    listener.close()
    heard.close()


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        configured(room)
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        supervised(room)
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        people(room)
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        told_to_end(room)
        killed(room)
        refused(room)
    return done()


if __name__ == "__main__":
    sys.exit(main())
