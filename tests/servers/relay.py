"""A way to a server that a test may shut, or let fall silent, without touching the server."""

import contextlib
import select
import socket
import threading
from typing import Self

from tests.servers.ports import reserve_port


class Relay:
    """Forwards a loopback port to another; ``shut`` refuses and breaks, ``hush`` answers nothing."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = reserve_port()
        self._listener: socket.socket | None = None
        self._sockets: list[socket.socket] = []
        self._hushed = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()
        for thread in self._threads:
            thread.join(10)

    def open(self) -> None:
        """Forward; what was hushed before is broken, as by a server that was started again."""
        self.shut()
        self._hushed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._start(self._accept, self._listener, self._hushed)

    def shut(self) -> None:
        if self._listener:
            # Closing alone would not wake the thread that accepts.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._listener, self._sockets = None, []

    def hush(self) -> None:
        """Take connections and bytes from now on, and do nothing with them."""
        self._hushed.set()

    def _start(self, target: object, *args: object) -> None:
        assert callable(target)
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, hushed: threading.Event) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target), timeout=10)
            self._sockets += [near, far]
            self._start(forward, near, far, hushed)


def forward(near: socket.socket, far: socket.socket, hushed: threading.Event) -> None:
    other = {near: far, far: near}
    try:
        while True:
            for one in select.select([near, far], [], [], 0.05)[0]:
                data = one.recv(65536)
                if not data:
                    return
                if not hushed.is_set():
                    other[one].sendall(data)
    except (OSError, ValueError):
        # Shut by the test.
        return
    finally:
        for one in other:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
