"""The stand-in as a process of its own: ``python -m celery_uncovered.toyex.standin``."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from celery_uncovered.toyex.standin.faults import FaultBook, parse_rules
from celery_uncovered.toyex.standin.rate_limits import GENEROUS, TIGHT, Meter
from celery_uncovered.toyex.standin.server import StandIn
from celery_uncovered.toyex.standin.service import Service


def main() -> None:
    """Serve until SIGTERM or SIGINT; ends with one sentence where it cannot start."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    options = _parser().parse_args()
    try:
        server = StandIn(_service(options), host=options.host, port=options.port)
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"The stand-in cannot start: {error}")
    try:
        sys.stdout.write(f"GitHub's stand-in listens on {server.url}\n")
        sys.stdout.flush()
        server.serve_forever()
    finally:
        server.server_close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m celery_uncovered.toyex.standin",
        description="A stand-in for GitHub's repository search, over recorded data.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=8009, help="0 takes a free one")
    parser.add_argument(
        "--delay", type=float, default=0.0, metavar="SECONDS", help="wait before each answer"
    )
    parser.add_argument(
        "--tight-limits",
        action="store_true",
        help="GitHub's own: 30 searches a minute with a token, 10 without (default: 1,000 times)",
    )
    parser.add_argument(
        "--faults", type=Path, metavar="FILE", help="rules as POST /_faults takes them"
    )
    return parser


def _service(options: argparse.Namespace) -> Service:
    rules = parse_rules(options.faults.read_bytes()) if options.faults else []
    limits = TIGHT if options.tight_limits else GENEROUS
    return Service(delay=max(options.delay, 0.0), book=FaultBook(rules), meter=Meter(limits))


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    sys.exit(0)


if __name__ == "__main__":
    main()
