"""How pages write states, times, durations and icons."""

import json
import reprlib
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.template.context import Context
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from celery_uncovered.jobs.registry import NavigationLink, links
from celery_uncovered.jobs.states import AttemptOutcome, State
from celery_uncovered.jobs.status import JobStatus
from celery_uncovered.jobs.web.icons import ICONS
from celery_uncovered.jobs.web.presentation import readable_name
from celery_uncovered.jobs.web.words import duration_words, relative_words

register = template.Library()

NOTHING = "\N{EN DASH}"
_CUT = 120
_OUTCOME_ICONS = {AttemptOutcome.REPLACED: "arrow", AttemptOutcome.LOST: "failure"}


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of our own drawings; it says nothing by itself, so a word stands beside it."""
    return mark_safe(ICONS[name])  # noqa: S308  # constants of this project


@register.simple_tag
def fresh_token() -> str:
    """A text that no other form has: the same one twice is the same form, sent twice."""
    return get_random_string(32)


@register.simple_tag
def state_badge(state: str) -> SafeString:
    """Colour, icon and word."""
    known = State(state)
    return _badge(known.value.lower(), known.value.lower(), str(known.label))


@register.simple_tag
def outcome_badge(outcome: str) -> SafeString:
    known = AttemptOutcome(outcome)
    look = known.value.lower()
    return _badge(look, _OUTCOME_ICONS.get(known, look), str(known.label))


@register.simple_tag
def when(moment: datetime | None) -> str:
    """A time as people say it, with the exact one on hover; page.js keeps both right."""
    if moment is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}" data-relative>{}</time>',
        moment.isoformat(timespec="seconds"),
        timezone.localtime(moment).strftime("%Y-%m-%d %H:%M:%S %Z"),
        relative_words(moment, timezone.now()),
    )


@register.simple_tag
def elapsed(since: datetime) -> SafeString:
    """The time since a moment; page.js counts on."""
    return format_html(
        '<time datetime="{}" data-elapsed>{}</time>',
        since.isoformat(timespec="milliseconds"),
        duration_words(timezone.now() - since),
    )


@register.simple_tag
def remaining(end: datetime) -> SafeString:
    """The time until a moment; page.js counts down."""
    return format_html(
        '<time datetime="{}" data-remaining>about {} left</time>',
        end.isoformat(timespec="milliseconds"),
        duration_words(max(end - timezone.now(), timedelta(seconds=1))),
    )


@register.filter
def duration(value: timedelta | None) -> str:
    return NOTHING if value is None else duration_words(value)


@register.filter
def task_name(task: str) -> str:
    return readable_name(task)


@register.filter
def thousands(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


@register.filter
def pretty_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.filter
def cut_arguments(status: JobStatus) -> str:
    """The arguments as they would be written in a call, cut to one line; "" for none."""
    if status.arguments_start:
        return f"{status.arguments_start[: _CUT - 1]}…"
    shown = [_shown(value) for value in status.args]
    shown += [f"{name}={_shown(value)}" for name, value in status.kwargs.items()]
    text = ", ".join(shown)
    return text if len(text) <= _CUT else f"{text[: _CUT - 1]}…"


@register.filter
def waited(status: JobStatus) -> timedelta | None:
    """How long a job waited before it ran for the last time; None before that."""
    since = status.queued_at or status.created_at
    return max(status.started_at - since, timedelta()) if status.started_at else None


@register.filter
def ran(status: JobStatus) -> timedelta | None:
    """How long the last run of a job took; None before its end."""
    if status.started_at is None or status.finished_at is None:
        return None
    return status.finished_at - status.started_at


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> list[NavigationLink]:
    """The links that this viewer may follow; none where there is no request (error pages)."""
    request = context.get("request")
    user = getattr(request, "user", None)
    if user is None:
        return []
    sees_all = user.has_perm("jobs.view_job")
    return [link for link in links() if sees_all or not link.operators_only]


def _shown(value: Any) -> str:
    """A value in a call; what has values in it is only counted."""
    if isinstance(value, dict | list) and any(isinstance(one, dict | list) for one in value):
        return f"[{len(value)} items]"
    return reprlib.repr(value)


def _badge(look: str, drawing: str, word: str) -> SafeString:
    return format_html(
        '<span class="state state-{}">{}{}</span>',
        look,
        mark_safe(ICONS[drawing]),  # noqa: S308  # constants of this project
        word,
    )
