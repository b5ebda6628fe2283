"""When a job may start and until when: Celery's countdown, eta and expires, kept by the ledger."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.utils import timezone


@dataclass(frozen=True, kw_only=True)
class Timing:
    """``due_at`` and ``expires_at`` are aware, or None for at once and for ever."""

    due_at: datetime | None = None
    expires_at: datetime | None = None

    @classmethod
    def taken_from(cls, options: dict[str, Any]) -> Self:
        """The timing in Celery's ``options``, which lose it.

        Celery must not see it: it would put a due job into a worker's memory, and route it around
        the queue on RabbitMQ.
        """
        countdown = options.pop("countdown", None)
        eta = options.pop("eta", None)
        return cls(
            due_at=_moment(eta if countdown is None else countdown),
            expires_at=_moment(options.pop("expires", None)),
        )

    @property
    def delay(self) -> float | None:
        """Seconds from now until it is due; None where nothing was said."""
        if self.due_at is None:
            return None
        return max(0.0, (self.due_at - timezone.now()).total_seconds())

    @property
    def is_later(self) -> bool:
        return self.due_at is not None and self.due_at > timezone.now()


def _moment(value: Any) -> datetime | None:
    """A moment from seconds from now, a datetime (naive ones are UTC, as Celery's) or ISO text."""
    if value is None:
        return None
    if isinstance(value, timedelta):
        return timezone.now() + value
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value if timezone.is_aware(value) else value.replace(tzinfo=UTC)
    return timezone.now() + timedelta(seconds=float(value))
