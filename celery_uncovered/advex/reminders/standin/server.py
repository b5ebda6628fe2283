"""The sockets: reads a request, asks the service, sends the answer as well or badly as it says."""

import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from celery_uncovered.advex.reminders.standin.answers import Answer
from celery_uncovered.advex.reminders.standin.service import Call, Service, is_loopback

_LARGEST_BODY = 256 * 1024


class StandIn(ThreadingHTTPServer):
    """Serves ``service`` on a loopback address; port 0 takes a free one. Raises OSError, ValueError.

    As a context manager it serves in a thread of its own; otherwise call ``serve_forever``.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: Service, *, host: str = "127.0.0.1", port: int = 0) -> None:
        if not is_loopback(host):
            message = f'Host "{host}" is not a loopback address; choose 127.0.0.1.'
            raise ValueError(message)
        self.service = service
        self.stopping = threading.Event()
        super().__init__((host, port), Handler)

    @property
    def url(self) -> str:
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"

    def server_bind(self) -> None:
        """As the base class, without asking the name service who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]  # of AF_INET

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nobody's fault."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()

    def server_close(self) -> None:
        self.stopping.set()
        super().server_close()


class Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"
    server_version = "Chat-stand-in"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave together
    timeout = 60

    def do_GET(self) -> None:
        length = self.headers.get("Content-Length", "0")
        size = min(int(length), _LARGEST_BODY) if length.isdigit() else 0
        call = Call(
            method=self.command, target=self.path, headers=self.headers, body=self.rfile.read(size)
        )
        answer = self.server.service.answer(call)
        if answer.kills:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.server.stopping.wait(answer.wait) or answer.is_silent:
            self.close_connection = True
        else:
            self._send(answer)

    do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing; ``GET /_channels`` tells."""

    def _send(self, answer: Answer) -> None:
        self.close_connection = self.close_connection or answer.is_cut
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.is_cut else answer.body)
        self.wfile.flush()
