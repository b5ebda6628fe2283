"""``python -m benchmarks.peers.serve MODULE``: a long-lived client that makes a report per line.

Each line on stdin is the path of a CSV; the answer on stdout is JSON with ``started`` and
``ended`` (seconds since 1970) and ``rows``.
"""

import importlib
import json
import sys
import time
from pathlib import Path

import django


def main() -> None:
    django.setup()
    peer = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}")
    for line in sys.stdin:
        started = time.time()
        rows = peer.make_report(Path(line.strip()))
        ended = time.time()
        print(json.dumps({"started": started, "ended": ended, "rows": rows}), flush=True)


if __name__ == "__main__":
    main()
