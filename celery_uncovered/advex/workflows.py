"""The workflows of the examples, for the workflows app, which looks for them here."""

from celery_uncovered.advex.reminders.workflow import pull_request_reminders

__all__ = ["pull_request_reminders"]
