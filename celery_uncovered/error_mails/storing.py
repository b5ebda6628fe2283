"""A keeper's batch in the database: one transaction, once."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from django.db import transaction
from django.utils import timezone

from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.kinds import OTHERS
from celery_uncovered.error_mails.masker import mask_text
from celery_uncovered.error_mails.models import Keeper, Kind
from celery_uncovered.error_mails.tallies import Batch, Tally

#: How many kinds the table tells apart; what comes on top is counted among the others.
MOST_KINDS = 1000
OTHERS_SENTENCE = "Errors of so many kinds that only their number was kept"

#: What a new error changes on the row of its kind.
_CHANGED = [
    *("count", "first_at", "last_at", "waiting", "waiting_first_at", "waiting_last_at"),
    *("source", "level", "sentence", "place", "traceback", "context", "job_id"),
]
_REFUSED = re.compile("[\0\ud800-\udfff]")


class KindGoneError(Exception):
    """A kind's row went while something was to be added to it."""


def store(batch: Batch) -> None:
    """Add what came to its kinds, unless this very batch is stored already."""
    with transaction.atomic():
        if _is_new(batch):
            _add(batch.tallies)


def _is_new(batch: Batch) -> bool:
    """False where an earlier try was committed, and only the answer was lost."""
    now = timezone.now()
    known = Keeper.objects.filter(id=batch.keeper)
    if known.filter(number__lt=batch.number).update(number=batch.number, seen_at=now):
        return True
    if known.exists():
        return False
    Keeper.objects.create(id=batch.keeper, number=batch.number, seen_at=now)
    return True


def _add(tallies: Iterable[Tally]) -> None:
    wanted = {tally.kind: tally for tally in tallies}
    rows = _locked(wanted)
    missing = wanted.keys() - {row.fingerprint for row in rows}
    if missing:
        _put_among_others(wanted, _homeless(sorted(missing)))
        _begin(wanted[kind] for kind in sorted(wanted) if kind in {*missing, OTHERS})
        rows = _locked(wanted)
    if len(rows) < len(wanted):
        # Removed, as old, between the two statements. The keeper tries again.
        raise KindGoneError
    Kind.objects.bulk_update([_added(row, wanted[row.fingerprint]) for row in rows], _CHANGED)


def _locked(wanted: Iterable[str]) -> list[Kind]:
    """Their rows, locked in one order by all keepers: no two wait for each other."""
    rows = Kind.objects.select_for_update().filter(fingerprint__in=list(wanted))
    return list(rows.order_by("fingerprint"))


def _homeless(missing: list[str]) -> list[str]:
    room = max(0, MOST_KINDS - Kind.objects.count())
    return [kind for kind in missing if kind != OTHERS][room:]


def _put_among_others(wanted: dict[str, Tally], homeless: Iterable[str]) -> None:
    for kind in homeless:
        tally = wanted.pop(kind)
        others = wanted.get(OTHERS, replace(tally, count=0))
        wanted[OTHERS] = Tally(
            kind=OTHERS,
            event=None,
            count=others.count + tally.count,
            first=min(others.first, tally.first),
            last=max(others.last, tally.last),
        )


def _begin(tallies: Iterable[Tally]) -> None:
    """Rows that count nothing yet; another keeper may have made one of them meanwhile."""
    rows = [
        Kind(fingerprint=tally.kind, first_at=_moment(tally.first), last_at=_moment(tally.last))
        for tally in tallies
    ]
    Kind.objects.bulk_create(rows, ignore_conflicts=True)


def _added(row: Kind, tally: Tally) -> Kind:
    first, last = _moment(tally.first), _moment(tally.last)
    row.first_at, row.last_at = min(row.first_at, first), max(row.last_at, last)
    if row.waiting == 0:
        row.waiting_first_at, row.waiting_last_at = first, last
        _tell(row, tally.event)
    else:
        row.waiting_first_at = min(row.waiting_first_at or first, first)
        row.waiting_last_at = max(row.waiting_last_at or last, last)
    row.count += tally.count
    row.waiting += tally.count
    return row


def _tell(row: Kind, event: ErrorEvent | None) -> None:
    if event is None:
        row.sentence = OTHERS_SENTENCE
        return
    row.source, row.level = storable(event.source)[:255], event.level[:20]
    row.job_id = storable(event.job_id)[:255]
    for name in ("sentence", "place", "traceback", "context"):
        setattr(row, name, mask_text(storable(getattr(event, name))))


def storable(text: str) -> str:
    """``text`` as both databases take it: lone surrogates and NUL become U+FFFD."""
    return _REFUSED.sub("\ufffd", text)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
