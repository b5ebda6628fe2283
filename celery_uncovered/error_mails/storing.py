"""A keeper's batch in the database: one transaction, once, in few statements.

It runs beside requests and jobs, in their process: what it takes of the processor, they wait for.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db import DataError, connection, transaction
from django.utils import timezone

from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.kinds import OTHERS
from celery_uncovered.error_mails.models import Keeper, Kind
from celery_uncovered.error_mails.tallies import Batch, Tally
from celery_uncovered.jobs.api import mask_text

#: How many kinds the table tells apart; what comes on top is counted among the others.
MOST_KINDS = 1000
OTHERS_SENTENCE = "Errors of so many kinds that only their number was kept"

#: Adds a tally to its kind's row; its places: count, count, four times first and last, kind.
COUNT = """
UPDATE error_mails_kind SET
    count = count + %s,
    waiting = waiting + %s,
    first_at = CASE WHEN first_at > %s THEN %s ELSE first_at END,
    last_at = CASE WHEN last_at < %s THEN %s ELSE last_at END,
    waiting_first_at = CASE
        WHEN waiting = 0 OR waiting_first_at > %s THEN %s ELSE waiting_first_at END,
    waiting_last_at = CASE
        WHEN waiting = 0 OR waiting_last_at < %s THEN %s ELSE waiting_last_at END
WHERE fingerprint = %s
"""

_REFUSED = re.compile("[\0\ud800-\udfff]")
_MASKED = ("sentence", "place", "traceback", "context")


class KindGoneError(Exception):
    """A kind's row went while something was to be added to it."""


def store(batch: Batch) -> None:
    """Add what came to its kinds, unless this very batch is stored already."""
    try:
        _store(batch)
    except DataError:
        # Something that was said cannot be stored; that it came can, and the batches behind it.
        _store(replace(batch, tallies=[replace(tally, event=None) for tally in batch.tallies]))


def _store(batch: Batch) -> None:
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
    are_told = _lock(wanted)
    missing = wanted.keys() - are_told.keys()
    if missing:
        _put_among_others(wanted, _homeless([wanted[kind] for kind in sorted(missing)]))
        _begin(wanted[kind] for kind in sorted(wanted) if kind in {*missing, OTHERS})
        are_told = _lock(wanted)
    if len(are_told) < len(wanted):
        # Removed, as old, between the two statements. The keeper tries again.
        raise KindGoneError
    with connection.cursor() as cursor:
        cursor.executemany(COUNT, [_places(tally) for tally in wanted.values()])
    for kind, is_told in are_told.items():
        event = wanted[kind].event
        if is_told and event is not None:
            Kind.objects.filter(fingerprint=kind).update(is_told=False, **_words(event))


def _lock(wanted: Iterable[str]) -> dict[str, bool]:
    """Whether their rows' words are told already; locked in one order, so that no two keepers wait for each other."""
    rows = Kind.objects.select_for_update().filter(fingerprint__in=list(wanted))
    return dict(rows.order_by("fingerprint").values_list("fingerprint", "is_told"))


def _homeless(missing: list[Tally]) -> list[Tally]:
    """Those that get no row: there is no room, or nobody knows any more what they say."""
    room = max(0, MOST_KINDS - Kind.objects.count())
    named = [tally for tally in missing if tally.event is not None]
    nameless = [tally for tally in missing if tally.event is None and tally.kind != OTHERS]
    return named[room:] + nameless


def _put_among_others(wanted: dict[str, Tally], homeless: Iterable[Tally]) -> None:
    for tally in homeless:
        del wanted[tally.kind]
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
        Kind(
            fingerprint=tally.kind,
            sentence=OTHERS_SENTENCE if tally.kind == OTHERS else "",
            first_at=_moment(tally.first),
            last_at=_moment(tally.last),
        )
        for tally in tallies
    ]
    Kind.objects.bulk_create(rows, ignore_conflicts=True)


def _places(tally: Tally) -> list[Any]:
    adapt = connection.ops.adapt_datetimefield_value
    first, last = adapt(_moment(tally.first)), adapt(_moment(tally.last))
    spans = [first, first, last, last] * 2
    return [tally.count, tally.count, *spans, tally.kind]


def _words(event: ErrorEvent) -> dict[str, str]:
    """Masked again: an error of the start-up came before there was a masker."""
    masked = {name: mask_text(storable(getattr(event, name))) for name in _MASKED}
    return {
        "source": storable(event.source)[:255],
        "level": event.level[:20],
        "job_id": storable(event.job_id)[:255],
        **masked,
    }


def storable(text: str) -> str:
    """``text`` as both databases take it: lone surrogates and NUL become U+FFFD."""
    return _REFUSED.sub("\ufffd", text)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
