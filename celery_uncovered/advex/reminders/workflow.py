"""Pull-request reminders: a channel for each pull request, and a reminder each day until it is closed."""

from datetime import timedelta

from django.conf import settings

from celery_uncovered.advex.reminders import channels
from celery_uncovered.advex.reminders.chat import Unavailable
from celery_uncovered.advex.reminders.wording import channel_name, link, reminder, summary
from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.api import set_value, step, wait_for_event, workflow

#: With pauses of up to a quarter of an hour: the chat may be away for a week.
RETRIES, BACKOFF, LONGEST = 700, 2.0, timedelta(minutes=15)


@workflow(name="pull_request_reminders", queue="io")
def pull_request_reminders(repo: str, number: int) -> None:
    channel = create_channel(channel_name(repo, number))
    set_value("channel", channel)
    post(channel, link(repo, number))
    reminders = 0
    while (closed := wait_for_event(closed_key(repo, number), timeout=a_day())) is None:
        reminders += 1
        post(channel, reminder(repo, number, reminders))
    post(channel, summary(repo, number, closed))
    archive(channel)


def closed_key(repo: str, number: int) -> str:
    """The event that ends the reminders; its payload says whether it was ``merged``, and ``by`` whom."""
    return f"pull_request.closed:{repo}#{number}"


def a_day() -> timedelta:
    """A day, unless the settings make it shorter to look on."""
    return timedelta(seconds=settings.REMINDERS_EVERY_SECONDS)


@step(retries=RETRIES, backoff=BACKOFF, longest=LONGEST, retry_on=(Unavailable,))
def create_channel(name: str) -> str:
    """The id of a channel whose name begins with ``name``."""
    return channels.create_once(name, step_id=workflows.step_id())


@step(retries=RETRIES, backoff=BACKOFF, longest=LONGEST, retry_on=(Unavailable,))
def post(channel: str, text: str) -> str:
    return channels.post_once(channel, text, step_id=workflows.step_id())


@step(retries=RETRIES, backoff=BACKOFF, longest=LONGEST, retry_on=(Unavailable,))
def archive(channel: str) -> None:
    channels.archive(channel)
