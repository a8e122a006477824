"""A `tidings serve` for a test, on a port of its own, ended by its process id."""

import http.client
import json
import os
import select
import signal
import subprocess

from tool import SECONDS, environment


class Server:
    def __init__(self, tidings, room, data="data", *words):
        read, write = os.pipe()
        self.child = subprocess.Popen([tidings, "serve", "--data", data, "--http", "127.0.0.1:0", "--ready-fd", str(write), *words],
                                      cwd=room, env=environment(), pass_fds=[write], stderr=subprocess.PIPE, text=True)
        os.close(write)
        line = b""
        while not line.endswith(b"\n") and select.select([read], [], [], SECONDS)[0]:
            part = os.read(read, 1)
            if not part:
                break
            line += part
        os.close(read)
        self.http = json.loads(line)["http"] if line else None
        self.url = f"http://{self.http}"

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
        """Exit code, and what it said on standard error."""
        self.child.send_signal(how)
        said = self.child.communicate(timeout=SECONDS)[1]
        return self.child.returncode, said
