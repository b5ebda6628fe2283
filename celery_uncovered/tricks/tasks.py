"""The tasks of the examples, for Celery, which looks for them here."""

from celery_uncovered.tricks.letters.tasks import gather_letters, send_letter, write_to_members

__all__ = ["gather_letters", "send_letter", "write_to_members"]
