"""Beat: django-celery-beat's scheduler, whose entries become jobs."""

from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package ships no types
    """Submits into the ledger, so it needs no broker: a schedule holds while the broker is down."""

    @property
    def producer(self) -> Any:
        return None
