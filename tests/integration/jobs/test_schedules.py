"""Schedules hold: each occurrence once, whatever dies; what was missed by its policy; at night too."""

import functools
import signal
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from tests.integration.jobs import beats
from tests.stacks import Running, Stack
from tests.support.commands import COMMANDS

#: Seconds within which another beat goes on.
TAKEN_OVER = 30
#: Seconds from one kill to the next, and how many.
PAUSE, KILLS = 2.0, 5
#: Seconds for which an occurrence is not yet missed.
GRACE = 1
SUBMITTED, MERGED, SKIPPED = "SUBMITTED", "MERGED", "SKIPPED"


@pytest.fixture(autouse=True)
def nothing_else(stack: Stack) -> None:
    stack.call(beats.clear)


@pytest.mark.behaviour("J25")
def test_two_beats_submit_each_occurrence_once_while_the_leader_is_killed_again_and_again(
    stack: Stack,
) -> None:
    number = stack.call(beats.every, 1, "each second", misfire="ALL")
    running = [start(stack), start(stack)]
    wait_for_more(stack, number)
    for _ in range(KILLS):
        leader, epoch = led(stack)
        killed = next(one for one in running if one.pid == leader)
        killed.kill()
        killed_at = time.time()
        # As a supervisor does.
        running = [one for one in running if one is not killed] + [start(stack, wait=False)]
        wait_until_decided_after(stack, number, killed_at)
        assert led(stack)[1] > epoch
        time.sleep(PAUSE)
    wait_for_more(stack, number)
    for one in running:
        # The last one may still be starting.
        is_ready = functools.partial(one.is_ready, COMMANDS["beat"])
        stack.wait_for(is_ready, 60, f"{one.name} is ready")
        assert one.stop() == 0

    found = stack.call(beats.told, number)
    assert_each_once(stack, "each second", found, seconds=1)
    assert {one["outcome"] for one in found} == {SUBMITTED}
    assert len(found) > KILLS * PAUSE


@pytest.mark.behaviour("J25")
def test_when_the_leader_hangs_the_other_goes_on_and_it_comes_back_too_late(stack: Stack) -> None:
    """Nobody can know that it is dead: its lead must run out."""
    number = stack.call(beats.every, 1, "each second", misfire="ALL")
    running = [start(stack), start(stack)]
    wait_for_more(stack, number)
    leader, epoch = led(stack)
    hung = next(one for one in running if one.pid == leader)
    hung.signal(signal.SIGSTOP)
    hung_at = time.time()
    wait_until_decided_after(stack, number, hung_at)
    other, next_epoch = led(stack)
    assert (other in {one.pid for one in running} - {leader}, next_epoch) == (True, epoch + 1)
    hung.signal(signal.SIGCONT)
    for _ in range(3):
        wait_for_more(stack, number)
    assert led(stack) == [other, next_epoch]
    for one in running:
        assert one.stop() == 0

    found = stack.call(beats.told, number)
    assert_each_once(stack, "each second", found, seconds=1)
    assert {one["outcome"] for one in found} == {SUBMITTED}


@pytest.mark.behaviour("J26")
def test_what_was_missed_while_everything_was_down_follows_the_policy_once(stack: Stack) -> None:
    rules = {"": MERGED, "ONCE": MERGED, "ALL": SUBMITTED, "SKIP": SKIPPED}
    numbers = {
        name: stack.call(beats.every, 2, f"with {name}", misfire=name, grace=GRACE)
        for name in rules
    }
    running = [start(stack), start(stack)]
    for number in numbers.values():
        wait_for_more(stack, number)
    for one in running:
        one.kill()
    down = time.time()
    time.sleep(8)
    up = time.time()
    running = [start(stack), start(stack)]
    for number in numbers.values():
        wait_until_decided_after(stack, number, up)
    # Neither a change nor another leader makes up for it again.
    stack.call(beats.every, 60, "another")
    leader, _ = led(stack)
    next(one for one in running if one.pid == leader).kill()
    for number in numbers.values():
        wait_for_more(stack, number)

    for name, outcome in rules.items():
        found = stack.call(beats.told, numbers[name])
        assert_each_once(stack, f"with {name}", found, seconds=2)
        # What was due just before may still be in its grace when a quick beat looks.
        missed = [one for one in found if down < one["due"] < up - GRACE]
        assert len(missed) >= 3, found
        if outcome == MERGED:
            # The one that stands for them is the last that was due when beat was there again.
            standing = next(
                one for one in found if one["due"] > down and one["outcome"] == SUBMITTED
            )
            assert "stands for" in standing["note"]
            assert standing["due"] >= missed[-1]["due"]
            missed = [one for one in missed if one is not standing]
        assert {one["outcome"] for one in missed} == {outcome}, (name, found)


@pytest.mark.behaviour("J26")
def test_after_an_hour_a_crontab_follows_its_policy_too(stack: Stack) -> None:
    # The next one is due in one or two minutes: none comes while this is looked at.
    crontab = f"{(datetime.now(UTC).minute + 2) % 5}-59/5 * * * *"
    numbers = {
        name: stack.call(beats.by_crontab, crontab, "Asia/Kathmandu", name, misfire=name)
        for name in ("ONCE", "ALL", "SKIP")
    }
    first = start(stack)
    stack.wait_for(lambda: stack.call(beats.marked) == len(numbers), 60, "beat knows all")
    assert first.stop() == 0
    for number in numbers.values():
        stack.call(beats.let_be_missed, number, 62.5)
    start(stack)
    start(stack)
    found = {name: wait_for_decided(stack, number) for name, number in numbers.items()}
    for name, decided in found.items():
        assert_each_once(stack, name, decided, seconds=300)
        assert len(decided) in {12, 13}
    many = len(found["ALL"])
    assert outcomes(found["ONCE"]) == [MERGED] * (many - 1) + [SUBMITTED]
    assert outcomes(found["ALL"]) == [SUBMITTED] * many
    # Unless one was due just now.
    assert outcomes(found["SKIP"])[:-1] == [SKIPPED] * (many - 1)


@pytest.mark.behaviour("J27")
@pytest.mark.parametrize(
    ("zone", "crontab", "begin", "end", "local", "note"),
    [
        pytest.param(
            "Europe/Berlin",
            "30 2 * * *",
            "2026-03-28T22:45Z",
            "2026-03-29T03:15Z",
            "03-29 03:00 +0200",
            "02:30 does not exist on 2026-03-29",
            id="Berlin forward",
        ),
        pytest.param(
            "Europe/Berlin",
            "30 2 * * *",
            "2026-10-24T22:45Z",
            "2026-10-25T03:15Z",
            "10-25 02:30 +0200",
            "02:30 comes twice on 2026-10-25",
            id="Berlin back",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-03T13:45Z",
            "2026-10-03T17:15Z",
            "10-04 02:30 +1100",
            "02:15 does not exist on 2026-10-04",
            id="Lord Howe half an hour forward",
        ),
        pytest.param(
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04T13:45Z",
            "2026-04-04T17:15Z",
            "04-05 01:45 +1100",
            "01:45 comes twice on 2026-04-05",
            id="Lord Howe half an hour back",
        ),
    ],
)
def test_when_the_clocks_change_it_runs_once_and_says_what_happened(
    stack: Stack, zone: str, crontab: str, begin: str, end: str, local: str, note: str
) -> None:
    found = stack.call(beats.through_the_night, begin, end, crontab, zone)
    assert [one[:3] for one in found] == [[local, SUBMITTED, 1]]
    assert found[0][3].startswith(note)


def test_a_new_schedule_and_a_pause_take_effect_within_five_seconds(stack: Stack) -> None:
    start(stack)
    start(stack)
    led(stack)
    made_at = time.time()
    number = stack.call(beats.every, 1, "new")
    stack.wait_for(lambda: stack.call(beats.count, number), 20, "it is submitted")
    first = stack.call(beats.told, number)[0]
    # A second of its own, before it is due at all.
    assert first["decided"] - made_at < 5
    stack.call(beats.pause, number)
    paused_at = time.time()
    time.sleep(6)
    assert stack.call(beats.told, number)[-1]["decided"] < paused_at + 5


# --- beats ---------------------------------------------------------------------------------------
def start(stack: Stack, *, wait: bool = True) -> Running:
    return stack.start("beat", "--pidfile=", wait=wait)


def led(stack: Stack) -> list[int]:
    """Who leads, and in which epoch."""
    found: list[int] = stack.wait_for(lambda: stack.call(beats.leader), 60, "a beat leads")
    return found


def wait_for_more(stack: Stack, number: int, more: int = 2) -> None:
    before = stack.call(beats.count, number)
    stack.wait_for(lambda: stack.call(beats.count, number) >= before + more, 60, "more is decided")


def wait_for_decided(stack: Stack, number: int) -> list[beats.Told]:
    stack.wait_for(lambda: stack.call(beats.count, number), 60, "what was missed is decided")
    found: list[beats.Told] = stack.call(beats.told, number)
    return found


def wait_until_decided_after(stack: Stack, number: int, moment: float) -> None:
    """Until something is decided that was due after that moment: a beat goes on."""

    def is_decided() -> bool:
        return any(one["due"] > moment for one in stack.call(beats.told, number))

    stack.wait_for(is_decided, TAKEN_OVER, "another beat goes on")


def outcomes(found: list[beats.Told]) -> list[str]:
    return [one["outcome"] for one in found]


def assert_each_once(stack: Stack, name: str, found: list[beats.Told], *, seconds: float) -> None:
    """No due time is missing or there twice, and there is one job for each that was submitted."""
    steps = {round(after["due"] - before["due"], 3) for before, after in pairwise(found)}
    assert steps <= {seconds}, found
    by_due = stack.call(beats.jobs_by_due)
    jobs = {due: count for due, count in by_due.items() if due.rpartition(" ")[0] == name}
    submitted = [one for one in found if one["outcome"] == SUBMITTED]
    assert jobs == {f"{name} {one['due']:.0f}": 1 for one in submitted}
    assert len({one["job"] for one in submitted}) == len(submitted)
    assert not [one for one in found if one["outcome"] != SUBMITTED and one["job"]]
