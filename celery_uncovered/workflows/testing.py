"""For tests of one's own workflows: they run in the test's process, and time is skipped."""

from collections import deque
from collections.abc import Callable
from contextvars import Context
from datetime import datetime, timedelta
from queue import Empty
from typing import Any, ParamSpec, TypeVar

from django.db.models import Min

from celery_uncovered.workflows.definitions import Workflow
from celery_uncovered.workflows.engine import claims, recovery, timers
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.engine.hub import Hub
from celery_uncovered.workflows.engine.threads import Done, StepThreads, Work, perform
from celery_uncovered.workflows.events import send_event
from celery_uncovered.workflows.handles import Handle
from celery_uncovered.workflows.models import Run, Wait
from celery_uncovered.workflows.starting import start_with
from celery_uncovered.workflows.states import RunState

P = ParamSpec("P")
R = TypeVar("R")
JOB = "a test"
STUCK = "No run waits for a time; send an event, or look for a blocked run."


class TimeSkipper:
    """Advances runs without workers; where all of them wait, time goes on to the next due wait.

    The fixture ``skip_time`` of ``celery_uncovered.workflows.pytest_plugin`` gives one, and sets the
    clock back at the end of the test.
    """

    @property
    def now(self) -> datetime:
        return clock.now()

    def run(self, workflow: Workflow[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Start a run, skip whatever it waits for, and return its result."""
        handle: Handle[R] = start_with(workflow, args, kwargs)
        self.until(lambda: Run.objects.filter(id=handle.id, finished_at__isnull=False).exists())
        return handle.result(timeout=0)

    def advance(self) -> None:
        """Advance all runs as far as they go without any time passing."""
        timers.wake_due()
        # Within the test's transaction nothing is told after the commit.
        recovery.wake_untold()
        while Run.objects.filter(state=RunState.READY).exists():
            queues = Run.objects.filter(state=RunState.READY).values_list("queue", flat=True)
            for queue in set(queues):
                self._advance(queue)

    def skip(self, time: timedelta) -> None:
        """Let this time pass: what is due on the way happens in its order, at its time."""
        end = clock.now() + time
        self.advance()
        while (due := self._next_due()) is not None and due <= end:
            self._go_to(due)
        self._go_to(end)

    def until(self, condition: Callable[[], bool]) -> None:
        """Let time pass until the condition holds; AssertionError when nothing is left to wait for."""
        self.advance()
        while not condition():
            due = self._next_due()
            if due is None:
                raise AssertionError(STUCK)
            self._go_to(due)

    def send_event(self, key: str, payload: Any = None) -> None:
        send_event(key, payload)
        self.advance()

    def _go_to(self, moment: datetime) -> None:
        if moment > clock.now():
            clock.ahead += moment - clock.now()
        self.advance()

    def _next_due(self) -> datetime | None:
        waits = Wait.objects.filter(run__state=RunState.WAITING, fired=False)
        due: datetime | None = waits.aggregate(due=Min("due_at"))["due"]
        return due

    def _advance(self, queue: str) -> None:
        hub = Hub(
            more=lambda room: claims.claim_ready(queue, job=JOB, limit=room),
            threads=StepsAtOnce(),
        )
        hub.run(claims.claim_ready(queue, job=JOB, limit=100))


class StepsAtOnce(StepThreads):
    """Steps run in the test's own thread: in its transaction, and with what it has patched."""

    def __init__(self) -> None:
        super().__init__()
        self._asked: deque[Work] = deque()

    def run(self, who: Any, context: Context, function: Callable[[], Any]) -> None:
        self._asked.append((who, context, function))

    def hear(self, *, block: bool, timeout: float) -> Done:  # noqa: ARG002  # nobody else does anything
        if not self._asked:
            raise Empty
        return perform(*self._asked.popleft())
