"""The tables of the examples, each of which keeps its own in its folder."""

from celery_uncovered.advex.reminders.models import Delivery, PullRequest

__all__ = ["Delivery", "PullRequest"]
