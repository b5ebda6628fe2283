"""Beat: django-celery-beat's scheduler, whose entries become jobs."""

from typing import Any

from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

#: Celery's own clean-up of results, by a clock of its own.
CLEAN_UP = "celery.backend_cleanup"


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package ships no types
    """Submits into the ledger, so it needs no broker: a schedule holds while the broker is down."""

    def install_default_entries(self, data: Any) -> None:  # noqa: ARG002  # the package's signature
        """Without Celery's clean-up of results: retention removes them with their jobs.

        An installation that ran another scheduler before has the entry; it goes. The package takes
        the first change that was ever noted for no change, so one is noted before it looks.
        """
        self.Model.objects.filter(task=CLEAN_UP).delete()
        self.Changes.objects.get_or_create(ident=1, defaults={"last_update": timezone.now()})

    @property
    def producer(self) -> Any:
        return None
