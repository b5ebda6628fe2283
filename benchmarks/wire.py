"""Counts what passes between clients and PostgreSQL: a proxy on loopback that reads the server's side.

Each round trip of the protocol ends with ReadyForQuery, which tells whether a transaction is open
(https://www.postgresql.org/docs/current/protocol-message-formats.html). It slows its clients down, so
nothing is timed through it.
"""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit, urlunsplit

READY, IDLE = ord("Z"), ord("I")
#: A message: its kind and its length, which counts itself.
HEAD = 5
CHUNK = 1 << 16


@dataclass
class Counts:
    """``transactions`` counts those that ended, also those that only read. Log-ins count as well."""

    round_trips: int = 0
    transactions: int = 0

    def __sub__(self, other: Self) -> "Counts":
        return Counts(self.round_trips - other.round_trips, self.transactions - other.transactions)


class Proxy:
    """``url`` is the database's, by way of the proxy."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(
            parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{port}"))
        )
        self._counts = Counts()
        self._lock = threading.Lock()
        self._spawn(self._accept)

    def counts(self) -> Counts:
        with self._lock:
            return Counts(self._counts.round_trips, self._counts.transactions)

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._spawn(self._pass_on, client, server)
                self._spawn(self._pass_back, server, client)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := client.recv(CHUNK):
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        reader = Reader()
        with contextlib.suppress(OSError):
            while chunk := server.recv(CHUNK):
                for is_idle in reader.ready(chunk):
                    with self._lock:
                        self._counts.round_trips += 1
                        self._counts.transactions += is_idle
                client.sendall(chunk)
            client.shutdown(socket.SHUT_WR)

    @staticmethod
    def _spawn(act: object, *arguments: object) -> None:
        threading.Thread(target=act, args=arguments, daemon=True).start()  # type: ignore[arg-type]


class Reader:
    """Finds ReadyForQuery in what a server says, however it is cut."""

    def __init__(self) -> None:
        self._rest = b""
        #: Before its first message a server may refuse TLS, by a letter that is no message.
        self._is_first = True

    def ready(self, chunk: bytes) -> Iterator[bool]:
        """For each: whether no transaction is open."""
        data = self._rest + chunk
        if self._is_first:
            data = data.lstrip(b"N")
            self._is_first = not data
        place = 0
        while len(data) - place >= HEAD:
            length = 1 + int.from_bytes(data[place + 1 : place + HEAD])
            if len(data) - place < length:
                break
            if data[place] == READY:
                yield data[place + HEAD] == IDLE
            place += length
        self._rest = data[place:]
