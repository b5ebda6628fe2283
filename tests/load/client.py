"""``python -m tests.load.client PORT REQUESTS KINDS SECONDS``: asks for pages that break, on schedule.

Each request has its moment, whether the ones before are answered or not, and the time that it takes
is counted from then on. Prints one JSON line: the times in seconds, and how many were not answered.
"""

import http.client
import itertools
import json
import sys
import threading
import time

THREADS = 32
#: How long after its start the first request goes out: the threads are there then.
HEAD_START = 0.3
SERVER_ERROR = 500


class Client:
    def __init__(self, port: int, requests: int, kinds: int, seconds: float) -> None:
        self.port, self.requests, self.kinds = port, requests, kinds
        self.pause = seconds / requests
        self.numbers = itertools.count()
        self.times: list[float] = []
        self.unanswered = 0
        self.lock = threading.Lock()

    def run(self) -> None:
        self.began = time.monotonic() + HEAD_START
        threads = [threading.Thread(target=self.ask_on) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def ask_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while (number := next(self.numbers)) < self.requests:
            due = self.began + number * self.pause
            time.sleep(max(0.0, due - time.monotonic()))
            answered = self.ask(connection, number % self.kinds)
            took = time.monotonic() - due
            with self.lock:
                self.times.append(took)
                self.unanswered += not answered
        connection.close()

    def ask(self, connection: http.client.HTTPConnection, kind: int) -> bool:
        try:
            connection.request("GET", f"/raise/{kind}/")
            answer = connection.getresponse()
            return bool(answer.read()) and answer.status == SERVER_ERROR
        except (OSError, http.client.HTTPException):
            connection.close()
            return False


if __name__ == "__main__":
    port, requests, kinds, seconds = sys.argv[1:]
    client = Client(int(port), int(requests), int(kinds), float(seconds))
    client.run()
    json.dump({"times": client.times, "unanswered": client.unanswered}, sys.stdout)
