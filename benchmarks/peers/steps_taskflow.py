"""taskflow with its SQLite persistence: flows of atoms that add one, each run by its own engine."""

import contextlib
import os
import time
from typing import Any

from taskflow import engines, task
from taskflow.patterns import linear_flow
from taskflow.persistence import backends

_kept: list[Any] = []


class Add(task.Task):  # type: ignore[misc]  # it has no types
    default_provides = "total"

    def execute(self, total: int = 0) -> int:
        return total + 1


def begin() -> None:
    backend = backends.fetch({"connection": os.environ["PEER_DATABASE_URL"]})
    with contextlib.closing(backend.get_connection()) as connection:
        connection.upgrade()
    _kept.append(backend)


def run(runs: int, steps: int) -> float:
    """Seconds of one run after the other."""
    began = time.monotonic()
    for _ in range(runs):
        flow = linear_flow.Flow("add up")
        for number in range(steps):
            flow.add(Add(name=f"add {number}", rebind={"total": "begin"} if number == 0 else None))
        engines.run(flow, store={"begin": 0}, backend=_kept[0], engine="serial")
    return time.monotonic() - began
