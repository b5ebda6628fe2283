"""Repositories and servers that the tests of this folder make up."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, settings

from celery_uncovered.toyex.github import Repository

#: Hypothesis on a busy machine: the first text takes a second, for its table of characters.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def repository(number: int = 1, **changes: Any) -> Repository:
    values: dict[str, Any] = {
        "id": number,
        "full_name": f"owner/name-{number}",
        "stars": 10,
        "forks": 2,
        "language": "Python",
        "topics": ("cli",),
        "created": "2026-05-03T10:00:00Z",
        "url": f"https://github.com/owner/name-{number}",
        "description": "A tool",
    }
    return Repository(**{**values, **changes})


def api_item(**changes: Any) -> dict[str, Any]:
    """An item as GitHub's API spells it."""
    values: dict[str, Any] = {
        "id": 7,
        "full_name": "owner/name",
        "stargazers_count": 10,
        "forks_count": 2,
        "language": "Python",
        "topics": ["cli"],
        "created_at": "2026-05-03T10:00:00Z",
        "html_url": "https://github.com/owner/name",
        "description": "A tool",
    }
    return {**values, **changes}


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server whose every connection, once a request has come, is handed to ``talk``."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:  # closed: the test is over
                return
            with connection:
                connection.recv(65536)
                try:
                    talk(connection)
                except OSError:
                    continue  # the client has left

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
