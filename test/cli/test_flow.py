#!/usr/bin/env python3
"""story and flow, of a store on disk and of a server.

    test/cli/test_flow.py TIDINGS
"""

import json
import socket
import sys
import tempfile
import threading

from server import Server
from tool import check, done, program, run

TIDINGS = program()


def written(room):
    for words in (("order.1", "OrderPlaced", "--id", "e1"),
                  ("order.1", "OrderPaid", "--id", "e2", "-a", "causationid=e1", "-a", "correlationid=e1"),
                  ("order.1", "OrderShipped", "--id", "e3", "-a", "causationid=e2", "-a", "correlationid=e1"),
                  ("order.2", "OrderPlaced", "--id", "f1")):
        ran = run(TIDINGS, "publish", *words, "--url", "file:data", cwd=room)
        check("written", ran.returncode == 0, ran)


def shown(room, url):
    ran = run(TIDINGS, "story", "e3", "--url", url, cwd=room)
    lines = ran.stdout.splitlines()
    check("a story is a tree, and says how many", ran.returncode == 0 and "3 events" in lines[0] and [
        line.lstrip(" └─").split()[0] for line in lines[1:]] == ["OrderPlaced", "OrderPaid", "OrderShipped"], ran)
    for word in ("e1", "order.1"):
        check(f"the same by {word}", run(TIDINGS, "story", word, "--url", url, cwd=room).stdout == ran.stdout)
    ran = run(TIDINGS, "story", "e1", "--json", "--url", url, cwd=room)
    check("as JSON", ran.returncode == 0 and [event["type"] for event in json.loads(ran.stdout)["events"]] == [
        "OrderPlaced", "OrderPaid", "OrderShipped"], ran)
    ran = run(TIDINGS, "flow", "--url", url, cwd=room)
    check("the map", ran.returncode == 0 and "-> OrderPaid  1, 50 %" in ran.stdout, ran)
    ran = run(TIDINGS, "flow", "--mermaid", "--url", url, cwd=room)
    check("as Mermaid", ran.returncode == 0 and ran.stdout.startswith("flowchart"), ran)
    ran = run(TIDINGS, "flow", "--dot", "--window", "1h", "--url", url, cwd=room)
    check("as DOT", ran.returncode == 0 and ran.stdout.startswith("digraph"), ran)
    ran = run(TIDINGS, "flow", "--window", "1s", "--url", url, cwd=room)
    check("a window of a second: exit 2", ran.returncode == 2 and "10s" in ran.stderr, ran)
    ran = run(TIDINGS, "flow", "--dot", "--mermaid", "--url", url, cwd=room)
    check("one way only", ran.returncode == 2, ran)


def strangers(room):
    """Who listens there need not be a server of ours."""
    for answer in (b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"HTTP/1.1 200 OK\r\n\r\nshown\n",
                   b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nshown\n\r\n0\r\n\r\n"):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            def serve(listener=listener, answer=answer):
                peer, _ = listener.accept()
                peer.recv(65536)
                peer.sendall(answer)
                peer.close()
            thread = threading.Thread(target=serve)
            thread.start()
            ran = run(TIDINGS, "flow", "--url", f"http://127.0.0.1:{listener.getsockname()[1]}", cwd=room)
            thread.join()
        if b"shown" in answer:
            check(f"{answer}: is read", ran.returncode == 0 and ran.stdout == "shown\n", ran)
        else:
            check(f"{answer}: is told", ran.returncode in (1, 3) and ran.stderr and not ran.stdout, ran)
    ran = run(TIDINGS, "flow", "--url", "http://127.0.0.1:1", cwd=room)
    check("nobody answers: exit 3", ran.returncode == 3 and "tidings serve" in ran.stderr, ran)
    ran = run(TIDINGS, "flow", "--url", "nats://127.0.0.1:1", cwd=room)
    check("no server: exit 2", ran.returncode == 2, ran)


def main():
    with tempfile.TemporaryDirectory(prefix="tidings-cli-") as room:
        written(room)
        shown(room, "file:data")
        ran = run(TIDINGS, "story", "nothing", "--url", "file:data", cwd=room)
        check("a story that nobody knows: exit 1", ran.returncode == 1 and "[not-found]" in ran.stderr, ran)
        strangers(room)
        server = Server(TIDINGS, room)
        for target, words in (("/v1/stories/e1?format=text", "OrderShipped"), ("/v1/flow?format=text", "OrderPaid")):
            status, said = server.ask("GET", target)
            check(f"the server shows {target}", status == 200 and words in said.decode())
        ran = run(TIDINGS, "flow", "--url", server.url, cwd=room)
        check("flow of a server", ran.returncode == 0 and "-> OrderPaid" in ran.stdout, ran)
        check("the server ends well", server.end()[0] == 0)
    return done()


if __name__ == "__main__":
    sys.exit(main())
