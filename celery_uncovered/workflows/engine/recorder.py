"""Records what the branches of a hub did: many by one statement, while others already go on.

Of many runs one half is recorded by the database while the other half runs here, in turns. No branch
goes on before its own record is durable.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows.engine import statements
from celery_uncovered.workflows.engine.branch import Branch
from celery_uncovered.workflows.engine.patience import patiently
from celery_uncovered.workflows.engine.rows import StepRow

#: Fewer records are not worth a statement that nobody waits for.
LEAST_AHEAD = 8

Written = list[tuple[Branch, StepRow]]


class _Lines(threading.local):
    """Each thread that advances runs keeps its own for the next time."""

    def __init__(self) -> None:
        self.line = jobs.Line()


_lines = _Lines()


@dataclass
class Landed:
    """What was tried to be recorded; of the ``fenced`` runs it was not, since they are not ours."""

    written: Written = field(default_factory=list)
    fenced: frozenset[str] = frozenset()

    def and_also(self, other: "Landed") -> "Landed":
        return Landed(self.written + other.written, self.fenced | other.fenced)


class Recorder:
    def __init__(self) -> None:
        self._pending: Written = []
        #: Waits that end with the record of what they waited for.
        self._ended_waits: list[StepRow] = []
        self._sent: Written = []

    @property
    def is_busy(self) -> bool:
        return bool(self._pending or self._sent)

    @property
    def is_ahead(self) -> bool:
        """Whether a statement is on its way."""
        return bool(self._sent)

    def add(self, branch: Branch, row: StepRow, *, ends_wait: bool) -> None:
        self._pending.append((branch, row))
        if ends_wait:
            self._ended_waits.append(row)

    def flush(self, *, others: bool) -> Landed:
        """Record what was added; ``others`` says that there is something else to do meanwhile.

        What has landed by then: what is on its way now is not among it.
        """
        landed = self.land()
        pending, self._pending = self._pending, []
        ended_waits, self._ended_waits = self._ended_waits, []
        if not pending:
            return landed
        is_worth_it = (others or landed.written) and len(pending) >= LEAST_AHEAD
        if is_worth_it and not ended_waits and self._send(pending):
            return landed
        return landed.and_also(_record(pending, ended_waits))

    def land(self) -> Landed:
        """Wait for the statement that is on its way, if any."""
        sent, self._sent = self._sent, []
        if not sent or _lines.line.count() == len(sent):
            return Landed(sent)
        # Not all of them, or nobody knows: this tells which, and records what is missing.
        return _record(sent, ())

    def close(self) -> None:
        """Leave the line free for who comes next; what is on its way concerns nobody here any more."""
        if self._sent:
            _lines.line.count()
            self._sent = []

    def _send(self, pending: Written) -> bool:
        if not statements.send_steps(_lines.line, [row for _, row in pending]):
            return False
        self._sent = pending
        return True


def _record(written: Written, ended_waits: Iterable[StepRow]) -> Landed:
    rows, ended = [row for _, row in written], list(ended_waits)
    return Landed(written, patiently(lambda: statements.record_steps(rows, ended)))
