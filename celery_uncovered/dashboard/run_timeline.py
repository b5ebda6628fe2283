"""A run's history as bars on one axis of time, on which long times without any work are folded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery_uncovered.workflows import api as workflows

#: A gap of more than that, and of more than all the work that is shown, is folded.
SHORT = timedelta(seconds=1)
#: In percent of the axis: a fold, all folds together, and the least that can be seen.
FOLD, ALL_FOLDS, LEAST = 5.0, 40.0, 0.6


@dataclass(frozen=True, kw_only=True)
class Bar:
    """An entry on the axis, in percent: all of it, and its last attempt (none of a wait)."""

    entry: workflows.Entry
    x: str
    width: str
    act_x: str
    act_width: str


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A time in which nothing was done, and where it is on the axis."""

    x: str
    width: str
    lasted: timedelta


@dataclass(frozen=True, kw_only=True)
class Timeline:
    bars: tuple[Bar, ...] = ()
    folds: tuple[Fold, ...] = ()

    @property
    def folded(self) -> timedelta:
        return sum((fold.lasted for fold in self.folds), timedelta())


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A part of the axis: from ``begin`` to ``end`` in time, from ``x`` on by ``width`` percent."""

    begin: datetime
    end: datetime
    is_fold: bool
    x: float = 0.0
    width: float = 0.0

    @property
    def lasts(self) -> timedelta:
        return self.end - self.begin


def timeline_of(entries: Sequence[workflows.Entry], now: datetime) -> Timeline:
    """The bars of ``entries``; what is not over yet reaches to ``now``."""
    if not entries:
        return Timeline()
    axis = _laid_out(_pieces(entries, now))
    folds = [
        Fold(x=_percent(piece.x), width=_percent(piece.width), lasted=piece.lasts)
        for piece in axis
        if piece.is_fold
    ]
    return Timeline(bars=tuple(_bar(entry, axis, now) for entry in entries), folds=tuple(folds))


def _pieces(entries: Sequence[workflows.Entry], now: datetime) -> list[_Piece]:
    """Times of work, and between them the gaps, in their order."""
    work = _merged([(entry.acted_at, entry.ended_at or now) for entry in entries if entry.acted_at])
    begin = min(entry.began_at for entry in entries)
    end = max(entry.ended_at or now for entry in entries)
    longest = max(SHORT, sum((to - since for since, to in work), timedelta()))
    pieces: list[_Piece] = []
    for since, to in [*work, (end, end)]:
        if since > begin:
            is_long = bool(work) and since - begin > longest
            pieces.append(_Piece(begin=begin, end=since, is_fold=is_long))
        if to > since:
            pieces.append(_Piece(begin=since, end=to, is_fold=False))
        begin = max(begin, to)
    return pieces


def _merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    merged: list[tuple[datetime, datetime]] = []
    for since, to in sorted(spans):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], to))
        else:
            merged.append((since, to))
    return merged


def _laid_out(pieces: list[_Piece]) -> list[_Piece]:
    """Each fold gets the same width, and the rest is shared by time."""
    count = sum(piece.is_fold for piece in pieces)
    plain = sum((piece.lasts for piece in pieces if not piece.is_fold), timedelta())
    fold = 0.0
    if count:
        fold = min(FOLD, ALL_FOLDS / count) if plain else 100 / count
    share = 100 - fold * count
    axis, x = [], 0.0
    for piece in pieces:
        width = fold if piece.is_fold else share * (piece.lasts / plain)
        axis.append(
            _Piece(begin=piece.begin, end=piece.end, is_fold=piece.is_fold, x=x, width=width)
        )
        x += width
    return axis


def _bar(entry: workflows.Entry, axis: list[_Piece], now: datetime) -> Bar:
    end = _place(entry.ended_at or now, axis)
    begin = _place(entry.began_at, axis)
    act = end if entry.acted_at is None else _place(entry.acted_at, axis)
    x, width = _seen(begin, end)
    act_x, act_width = ("", "") if entry.acted_at is None else _seen(act, end)
    return Bar(entry=entry, x=x, width=width, act_x=act_x, act_width=act_width)


def _place(moment: datetime, axis: list[_Piece]) -> float:
    for piece in axis:
        if moment <= piece.end:
            share = (moment - piece.begin) / piece.lasts if piece.lasts else 0.0
            return piece.x + piece.width * min(max(share, 0.0), 1.0)
    return 100.0


def _seen(begin: float, end: float) -> tuple[str, str]:
    """Where a bar begins, and how wide it is: never too little to be seen, nor beyond the end."""
    width = max(end - begin, LEAST)
    return _percent(min(begin, 100 - width)), _percent(width)


def _percent(share: float) -> str:
    return f"{share:.2f}%"
