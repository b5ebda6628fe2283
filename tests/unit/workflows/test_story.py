"""The reducer of recorded rows: what a page tells of a history."""

from datetime import UTC, datetime, timedelta
from typing import Any

from celery_uncovered.workflows.looking.story import (
    Entry,
    Look,
    Recorded,
    Story,
    reduce_history,
)
from tests.unit.workflows.test_standing import run, wait

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def row(label: str, ended: float, kind: str = "step", **fields: Any) -> Recorded:
    given: dict[str, Any] = {
        "number": 0,
        "branch": "",
        "label": label,
        "kind": kind,
        "is_error": False,
        "value": "null",
        "attempts": 1,
        "ended_at": at(ended),
        "seconds": 1.0 if kind == "step" else 0.0,
    }
    return Recorded(**given | fields)


def told(*rows: Recorded, **fields: Any) -> tuple[Entry, ...]:
    numbered = [one._replace(number=number) for number, one in enumerate(rows)]
    return reduce_history(run(started_at=START, created_at=START, **fields), numbered)


def test_a_step_began_when_its_function_did() -> None:
    (entry,) = told(row("post#2", 5, seconds=2.0, value='"sent"'))
    assert (entry.number, entry.name, entry.occurrence) == (0, "post", 2)
    assert entry.look is Look.DONE
    assert (entry.began_at, entry.acted_at, entry.ended_at) == (at(3), at(3), at(5))
    assert entry.took == timedelta(seconds=2)
    assert entry.value == '"sent"'


def test_a_step_that_was_retried_began_after_what_came_before_it() -> None:
    _, entry = told(row("one#1", 1), row("two#1", 60, attempts=3))
    assert (entry.attempts, entry.began_at, entry.acted_at) == (3, at(1), at(59))


def test_a_failed_step_tells_its_error() -> None:
    text = '["builtins", "ValueError", "no such shop", ["no such shop"]]'
    (entry,) = told(row("charge#1", 1, is_error=True, value=text))
    assert entry.look is Look.FAILED
    assert entry.value == "ValueError: no such shop"


def test_waits_begin_with_the_record_before_them() -> None:
    entries = told(
        row("one#1", 1),
        row("sleep#1", 31, "time"),
        row("event closed:7#1", 90, "event", value='[{"by": "ada"}]'),
        row("event closed:7#2", 150, "event"),
    )
    waits = entries[1:]
    assert [entry.look for entry in waits] == [Look.CAME, Look.CAME, Look.TIMED_OUT]
    assert [entry.began_at for entry in waits] == [at(1), at(31), at(90)]
    assert all(entry.is_wait for entry in waits)
    assert waits[1].value == '{\n  "by": "ada"\n}'
    assert waits[1].name == "event closed:7"


def test_each_branch_has_its_own_time_and_begins_where_it_came_from() -> None:
    entries = told(
        row("one#1", 1),
        row("sleep#1", 20, "time", branch="gather#1.0/"),
        row("act#1", 5, branch="gather#1.1/"),
        row("sleep#1", 40, "time", branch="gather#1.1/gather#1.2/"),
        row("sleep#2", 50, "time", branch="gather#1.0/"),
    )
    assert [entry.began_at for entry in entries] == [at(0), at(1), at(4), at(5), at(20)]


def test_a_child_is_what_was_started_and_its_outcome_belongs_to_the_wait() -> None:
    entries = told(
        row("start pack#1", 1, "child_id", value='"run-2"'),
        row("started pack#1", 1, "child", value='"run-2"'),
        row("result#1", 9, "child"),
        row("outcome#1", 9, "outcome", value='["SUCCESS", "7", "", ""]'),
        row("result#2", 12, "child"),
        row("outcome#2", 12, "outcome", value='["FAILURE", null, "ValueError", "odd"]'),
    )
    noted, started, came, failed = entries
    assert noted.look is Look.NOTED
    assert (started.look, started.run_id, started.is_wait) == (Look.STARTED, "run-2", False)
    assert (came.look, came.name, came.is_wait) == (Look.CAME, "result of a run", True)
    assert failed.look is Look.FAILED
    assert "ValueError" in failed.value


def test_an_outcome_whose_wait_is_not_on_the_page_stands_alone() -> None:
    assert [entry.look for entry in told(row("outcome#1", 1, "outcome", value="[]"))] == [
        Look.NOTED
    ]


def test_the_compact_list_leaves_out_notes_and_folds_what_is_alike() -> None:
    rows = [row(f"act#{number}", number) for number in range(1, 5)]
    rows += [row("now#1", 5, "now"), row("act#5", 6, attempts=2), row("act#6", 7), row("act#7", 8)]
    story = Story(entries=told(*rows))
    assert len(story.entries) == 8
    lines = [(line.entry.occurrence, line.count, line.ended_at) for line in story.lines]
    assert lines == [(1, 4, at(4)), (5, 1, at(6)), (6, 1, at(7)), (7, 1, at(8))]


def test_what_is_waited_for_now_comes_last() -> None:
    waits = [wait("child", key="run-2", began_at=at(3)), wait("event", name="event x", key="x")]
    entries = reduce_history(run(started_at=START), [row("one#1", 1)], waits)
    child, event = entries[1:]
    assert (child.number, child.look, child.ended_at) == (None, Look.WAITING, None)
    assert (child.run_id, child.began_at) == ("run-2", at(3))
    assert (event.name, event.run_id) == ("event x", "")


def test_what_a_fork_copied_and_what_was_before_a_new_beginning_is_told() -> None:
    rows = [row("one#1", -50, number=0), row("two#1", 5, number=1)]
    (copied, own) = reduce_history(run(forked_from="run-0", created_at=START), rows)
    assert (copied.is_copied, own.is_copied) == (True, False)
    (before, after) = reduce_history(run(history_from=1), rows)
    assert (before.is_left_behind, after.is_left_behind) == (True, False)


def test_secrets_are_masked() -> None:
    word = "swordfish" + "-4711"
    entries = told(
        row("one#1", 1, value=f'{{"password": "{word}"}}'),
        row("two#1", 2, is_error=True, value=f'["b", "E", "password={word}", null]'),
        row("event x#1", 3, "event", value=f'[{{"api_key": "{word}"}}]'),
        row("password#1", 4, "value", value=f'"{word}"'),
        row("long#1", 5, value=f'{{"password": "{word}", "x": "{"y" * 5000}"}}'),
        row("password#2", 6, "value", value=f'"{word}{"y" * 5000}"'),
    )
    assert not [entry.name for entry in entries if word in entry.value]
    assert all("***" in entry.value for entry in entries)
    assert entries[4].value.endswith("…")


def test_a_value_that_this_code_cannot_read_does_no_harm() -> None:
    (entry,) = told(row("one#1", 1, value='{"__type__": "of tomorrow", "__value__": "x"}'))
    assert "of tomorrow" in entry.value


def test_without_any_record_there_is_no_story() -> None:
    assert told() == ()
