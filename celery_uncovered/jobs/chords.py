"""Chords that fire once.

A part counts in the transaction that makes it final, and the part that takes the last one off
submits the callback in that same transaction.
"""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from celery.app.base import Celery
from celery.canvas import Signature, maybe_signature
from celery.exceptions import ChordError
from celery.result import AsyncResult, GroupResult, allow_join_result, result_from_tuple
from django.db import DatabaseError, transaction
from django.db.models import F
from kombu.utils.functional import maybe_list

from celery_uncovered.jobs.inherited import as_submitted_with, note_for_callback
from celery_uncovered.jobs.messages import decode, encode
from celery_uncovered.jobs.models import Chord, Job
from celery_uncovered.jobs.sealing import left_sealed, seal_signature
from celery_uncovered.jobs.settle import error_sentence
from celery_uncovered.jobs.states import State

log = logging.getLogger(__name__)


def open_chord(header: GroupResult, body: Signature) -> None:
    """Note that the chord waits for the parts of ``header``; once for each group id."""
    size = _tasks_within(header.results or ())
    Chord.objects.get_or_create(
        group_id=header.id,
        defaults={
            "body_id": body.id or "",
            "parts": encode(header.as_tuple()),
            "body": seal_signature(encode(note_for_callback(body))),
            "size": size,
            "remaining": size,
        },
    )


def resize_chord(group_id: str, size: int) -> None:
    """Wait for ``size`` parts in all: Celery says how many before it submits the last one."""
    chord = Chord.objects.filter(group_id=group_id).exclude(size=size)
    chord.update(remaining=F("remaining") + size - F("size"), size=size)


def add_part(group_id: str, part: Any) -> None:
    """Let the chord wait for one more part, which one of its running parts adds."""
    with transaction.atomic(savepoint=False):
        chord = Chord.objects.select_for_update().get(group_id=group_id)
        header, parts = decode(chord.parts)
        chord.parts = encode([header, [*parts, part.as_tuple()]])
        size = _tasks_within([part])
        chord.size += size
        chord.remaining += size
        chord.save(update_fields=["parts", "size", "remaining"])


def tasks_of_chain(elements: Iterable[Any]) -> Iterator[Any]:
    """The signatures of tasks in the rest of a chain: groups, chains and chords are no tasks.

    Each stands for those that end in its place: a chord for its body.
    """
    for element in elements:
        inner = element.get("kwargs") or {}
        if element.get("subtask_type") in {"group", "chain"}:
            yield from tasks_of_chain(inner["tasks"])
        elif element.get("subtask_type") == "chord":
            yield from tasks_of_chain([inner["body"]])
        else:
            yield element


def count_parts(app: Celery, request: Any, number: int = 1) -> bool:
    """Take parts off; fire the callback if they were the last. Call it within their transaction.

    False where the ledger has no such chord. ``request`` is that of the last of them. The UPDATE locks
    the chord's row until the commit, so of two parts that end at the same moment the later one sees
    zero.
    """
    if not request.group:
        return True
    chord = Chord.objects.filter(group_id=request.group, remaining__gt=0)
    if not chord.update(remaining=F("remaining") - number):
        return Chord.objects.filter(group_id=request.group).exists()
    # Part by part only the count is read: body and parts are large, and needed once.
    last = Chord.objects.filter(group_id=request.group, remaining__lte=0).first()
    if last is not None:
        _fire(app, last, request)
    return True


def _fire(app: Celery, chord: Chord, last_part: Any) -> None:
    header: Any = result_from_tuple(decode(chord.parts), app=app)
    callback: Any = maybe_signature(decode(chord.body), app=app)
    try:
        results = _results_in_one_query(header)
        if results is None:
            with allow_join_result(), left_sealed():
                results = header.join(propagate=True, timeout=1)
    except Exception as error:  # noqa: BLE001  # a part's own error, of any class: the callback fails with it
        culprit = _failed_part(header)
        part = f"Part {culprit}" if culprit is not None else "A part"
        _fail(app, chord, callback, last_part, f"{part} failed", error)
        return
    if app.current_worker_task is None:
        # The results of a batch are recorded when none of its jobs runs any more.
        _note_family(callback, last_part)
    try:
        with transaction.atomic(), as_submitted_with(callback):
            callback.delay(results)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  # refused: its arguments do not fit, or are too large
        _fail(app, chord, callback, last_part, "The callback cannot be submitted", error)


def _fail(
    app: Celery, chord: Chord, callback: Any, last_part: Any, words: str, error: Exception
) -> None:
    _name_family(chord, callback, last_part)
    _leave_to_outer_chord(callback)
    failure = ChordError(f"{words}: {error_sentence(error)}")
    failure.__cause__ = error
    with as_submitted_with(callback):
        app.backend.chord_error_from_stack(callback, failure)


def _tasks_within(results: Iterable[Any]) -> int:
    """How many tasks end a header's parts; each task of a group at a part's end counts."""
    return sum(_tasks_within(part) if isinstance(part, GroupResult) else 1 for part in results)


def _name_family(chord: Chord, callback: Any, last_part: Any) -> None:
    """Note the root and the parent that the callback would have if it were submitted now."""
    _note_family(callback, last_part)
    Chord.objects.filter(group_id=chord.group_id).update(
        body=seal_signature(encode(dict(callback)))
    )


def _note_family(callback: Any, last_part: Any) -> None:
    options = callback.options
    options["root_id"] = options.get("root_id") or last_part.root_id or last_part.id
    options["parent_id"] = options.get("parent_id") or last_part.id


def _leave_to_outer_chord(callback: Any) -> None:
    """Take off the errbacks that the chord around has as well: it fails too, and calls them once.

    Celery links what is linked to a chord to the chords within it.
    """
    outer = (callback.options.get("chord") or {}).get("options") or {}
    theirs = maybe_list(outer.get("link_error")) or []
    ours = maybe_list(callback.options.get("link_error")) or []
    callback.options["link_error"] = [errback for errback in ours if errback not in theirs]


def _failed_part(header: Any) -> str | None:
    """The first part of the header that did not succeed; None where it is within a nested group."""
    ids = [part.id for part in header.results]
    bad = Job.objects.filter(id__in=ids, state__in=[State.FAILURE, State.REVOKED])
    failed = set(bad.values_list("id", flat=True))
    return next((id_ for id_ in ids if id_ in failed), None)


def _results_in_one_query(header: Any) -> list[Any] | None:
    """The parts' values in their order; None where Celery must say itself: nested, or failed."""
    if not all(isinstance(part, AsyncResult) for part in header.results):
        return None
    ids = [part.id for part in header.results]
    succeeded = Job.objects.filter(id__in=ids, state=State.SUCCESS)
    found = dict(succeeded.values_list("id", "result"))
    if len(found) < len(set(ids)):
        return None
    return [None if (text := found[id_]) is None else decode(text) for id_ in ids]
