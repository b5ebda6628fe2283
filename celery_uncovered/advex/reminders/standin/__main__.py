"""The stand-in as a process of its own: ``python -m celery_uncovered.advex.reminders.standin``."""

import argparse
import signal
import sqlite3
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from celery_uncovered.advex.reminders.standin import TOKEN
from celery_uncovered.advex.reminders.standin.server import StandIn
from celery_uncovered.advex.reminders.standin.service import Service
from celery_uncovered.advex.reminders.standin.store import Store


def main() -> None:
    """Serve until SIGTERM or SIGINT; ends with one sentence where it cannot start."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    options = _parser().parse_args()
    try:
        store = Store(options.store)
        server = StandIn(
            Service(store=store, token=options.token), host=options.host, port=options.port
        )
    except (OSError, ValueError, OverflowError, sqlite3.Error) as error:
        sys.exit(f"The chat's stand-in cannot start: {error}")
    try:
        sys.stdout.write(f"The chat's stand-in listens on {server.url}\n")
        sys.stdout.flush()
        server.serve_forever()
    finally:
        server.server_close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m celery_uncovered.advex.reminders.standin",
        description="A stand-in for a chat with Slack's web API.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=8011, help="0 takes a free one")
    parser.add_argument("--token", default=TOKEN, help="whoever has another one is refused")
    parser.add_argument(
        "--store", type=Path, required=True, metavar="FILE", help="where channels are kept"
    )
    return parser


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    sys.exit(0)


if __name__ == "__main__":
    main()
