"""``python -m benchmarks.peers.runs_client MODULE``: a worker of durable runs that does what stdin says.

A line on stdin is a JSON list, the name of a function of the module and its arguments; the answer on
stdout is JSON, what the function returned. Before the first there is ``"ready"``.
"""

import importlib
import json
import sys
from typing import Any


def main() -> None:
    peer: Any = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}")
    peer.begin()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(peer, name)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
