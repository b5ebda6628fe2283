"""Measures a comparison: its sides in turns, A B A B, so that a busy minute hits all of them."""

import statistics
import time
from datetime import UTC, datetime

from benchmarks import environment, peers_environment, servers
from benchmarks.comparison import Comparison, Side, Turn
from benchmarks.record import Record, TurnRecord


def measure(comparison: Comparison, *, rounds: int, samples: int | None) -> Record:
    """``samples`` in each turn, the comparison's own number by default."""
    peers_environment.ensure()
    measured_on = environment.describe()
    with servers.opened(), comparison.open(samples or comparison.samples) as turns:
        records = [
            take_turn(comparison, side, turns[side.name], number)
            for number in range(1, rounds + 1)
            for side in comparison.sides
        ]
    return Record(
        comparison=comparison.name,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        rounds=rounds,
        environment=measured_on,
        turns=records,
    )


def take_turn(comparison: Comparison, side: Side, turn: Turn, number: int) -> TurnRecord:
    started = time.monotonic()
    samples = turn()
    median = statistics.median(samples[comparison.headline])
    print(
        f"{comparison.name}, round {number}, {side.title}: {comparison.headline}"
        f" {median:.3f} ({time.monotonic() - started:.0f} s)",
        flush=True,
    )
    rounded = {name: [round(value, 6) for value in values] for name, values in samples.items()}
    return TurnRecord(round=number, side=side.name, samples=rounded)
