"""The words of the mails."""

from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.urls import NoReverseMatch, reverse

from celery_uncovered.error_mails.models import Kind

#: The longest subject, and how many kinds a shared mail names.
SUBJECT, NAMED = 150, 100


def subject(kinds: Sequence[Kind]) -> str:
    """One line: the sentence, and how often; without EMAIL_SUBJECT_PREFIX."""
    if len(kinds) > 1:
        return f"{_times(_total(kinds))} of {len(kinds)} more kinds of errors"
    [kind] = kinds
    words = f"{kind.level or 'ERROR'}: {_in_one_line(kind.sentence)}"
    words = words if len(words) <= SUBJECT else f"{words[: SUBJECT - 1]}…"
    return words if kind.waiting == 1 else f"{words} ({kind.waiting:,} times)"


def body(kinds: Sequence[Kind]) -> str:
    if len(kinds) > 1:
        return _shared(kinds)
    [kind] = kinds
    parts = [_head(kind), _first_of(kind), kind.context, kind.traceback, _link(kind)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def short_body(kinds: Sequence[Kind]) -> str:
    """Numbers and links alone, with nothing that an error has said."""
    lines = [f"{_span(kind)}\n{_link(kind)}".strip() for kind in kinds[:NAMED]]
    return "\n\n".join([*lines, _rest(kinds)]).strip() + "\n"


def _head(kind: Kind) -> str:
    lines = [_span(kind), "", kind.sentence]
    if kind.place:
        lines.append(f"At {kind.place}.")
    if kind.source:
        lines.append(f"Told by {kind.source}, as {kind.level}.")
    return "\n".join(lines)


def _first_of(kind: Kind) -> str:
    has_details = bool(kind.context or kind.traceback)
    return "The first of them that was written down:" if kind.waiting > 1 and has_details else ""


def _shared(kinds: Sequence[Kind]) -> str:
    begin = (
        f"{_times(_total(kinds))} in all, of {len(kinds):,} kinds that share this mail, since no more"
        " are sent in a minute."
    )
    each = [
        "\n".join(filter(None, [_span(kind), _in_one_line(kind.sentence), kind.place, _link(kind)]))
        for kind in kinds[:NAMED]
    ]
    return "\n\n".join(part for part in [begin, *each, _rest(kinds)] if part) + "\n"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _rest(kinds: Sequence[Kind]) -> str:
    rest = kinds[NAMED:]
    return f"{_times(_total(rest))} of {len(rest):,} further kinds." if rest else ""


def _span(kind: Kind) -> str:
    first = kind.waiting_first_at or kind.first_at
    last = kind.waiting_last_at or kind.last_at
    if kind.waiting == 1:
        return f"Once, at {_moment(first)}."
    return f"{_times(kind.waiting)}, first at {_moment(first)}, last at {_moment(last)}."


def _total(kinds: Sequence[Kind]) -> int:
    return sum(kind.waiting for kind in kinds)


def _times(count: int) -> str:
    return "Once" if count == 1 else f"{count:,} times"


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _link(kind: Kind) -> str:
    """Where an operator sees all of the kind, if the project has the pages and says where it is."""
    site = getattr(settings, "SITE_URL", "")
    try:
        return f"{site}{reverse('error_mails:kind', args=[kind.pk])}" if site else ""
    except NoReverseMatch:
        return ""
