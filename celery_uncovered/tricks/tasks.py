"""The tasks of the examples, for Celery, which looks for them here."""

from celery_uncovered.tricks.letters.tasks import gather_letters, send_letter, write_to_members
from celery_uncovered.tricks.task_log.tasks import bake_bread

__all__ = ["bake_bread", "gather_letters", "send_letter", "write_to_members"]
