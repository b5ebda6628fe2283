"""Where a keeper brings its batches: the database. Nothing of it is imported before it is needed."""

import contextlib
from collections.abc import Iterator

from celery_uncovered.error_mails.tallies import Batch


class Desk:
    """For one thread, whose connection it uses."""

    def store(self, batch: Batch) -> None:
        from celery_uncovered.error_mails import storing  # noqa: PLC0415  # models

        storing.store(batch)

    def announce(self, known: int | None) -> int:
        from celery_uncovered.error_mails import rounds  # noqa: PLC0415  # models

        return rounds.announce(known)

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """Around both: where a process forks, no child inherits a connection that could harm it."""
        from django.db import connection  # noqa: PLC0415  # as below

        from celery_uncovered.jobs import api as jobs  # noqa: PLC0415  # models

        with jobs.no_fork() if connection.vendor == "sqlite" else contextlib.nullcontext():
            yield

    def leave(self) -> None:
        """Close this thread's connection."""
        from django.db import connection  # noqa: PLC0415

        connection.close()
