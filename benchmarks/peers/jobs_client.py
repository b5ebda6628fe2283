"""``python -m benchmarks.peers.jobs_client MODULE``: submits as the lines on stdin say.

A line is an act and a number: ``many 20000``, ``single 2000``, ``idle 300``. The answer on stdout is
JSON: the seconds that it took, or those of each job. ``chord 100`` runs one of so many parts.
"""

import importlib
import json
import os
import sys
import time
from typing import Any

import django
import psycopg

#: Seconds between two looks for a result, and between a result and the next job.
LOOK, PAUSE = 0.0002, 0.01


def main() -> None:
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        django.setup()
    peer = importlib.import_module(f"benchmarks.peers.{sys.argv[1]}")
    acts = {"many": many, "single": single, "idle": idle, "chord": chord}
    for line in sys.stdin:
        act, _, count = line.partition(" ")
        print(json.dumps(acts[act](peer, int(count))), flush=True)


def many(peer: Any, count: int) -> float:
    began = time.monotonic()
    peer.submit_many(count)
    return time.monotonic() - began


def single(peer: Any, count: int) -> float:
    began = time.monotonic()
    for number in range(count):
        peer.submit(number)
    return time.monotonic() - began


def chord(peer: Any, parts: int) -> Any:
    return peer.run_chord(parts)


def idle(peer: Any, count: int) -> list[float]:
    """Of each job, one after the other: until it is recorded, or has run where nothing is."""
    statement = getattr(peer, "RECORDED", "")
    if not statement:
        return [until_run(peer, number) for number in range(count)]
    with psycopg.connect(os.environ["PEER_DATABASE_URL"], autocommit=True) as connection:
        return [until_recorded(peer, number, connection, statement) for number in range(count)]


def until_recorded(peer: Any, number: int, connection: Any, statement: str) -> float:
    time.sleep(PAUSE)
    began = time.monotonic()
    id_ = peer.submit(number)
    while connection.execute(statement, [id_]).fetchone() is None:
        time.sleep(LOOK)
    return time.monotonic() - began


def until_run(peer: Any, number: int) -> float:
    time.sleep(PAUSE)
    before, began = peer.ran.count(), time.monotonic()
    peer.submit(number)
    while peer.ran.count() == before:
        time.sleep(LOOK)
    return float(peer.ran.last() - began)


if __name__ == "__main__":
    main()
