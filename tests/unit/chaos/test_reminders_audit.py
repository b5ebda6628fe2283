"""The plan and the audit of a run of reminders, which says every way in which it may have gone wrong."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.reminders.audit import Evidence, key_of, problems
from tests.chaos.reminders.plan import FULL_DAYS, FULL_PULLS, ROLES, STEPS, Plan

PLAN = Plan(stack="embedded", pulls=6, days=4, seed=1)
#: Real seconds that a simulated step takes here.
SECONDS = 10.0


def good() -> Evidence:
    """What a run without a fault leaves."""
    runs, channels = [], []
    for number, life in enumerate(PLAN.lives):
        steps = [life.opened_at, *map(life.reminded_at, range(1, life.reminders + 1))]
        messages = [
            {
                "text": f"{words}: <https://github.com|it>",
                "ts": f"{step * SECONDS + 1:.6f}",
                "metadata": {"event_payload": {"step": f"run{number}/0/post#{index}"}},
            }
            for index, (words, step) in enumerate(
                zip(life.words, [*steps, life.closed_at], strict=True), start=1
            )
        ]
        channel = f"C{number}"
        runs.append({"key": key_of(life), "state": "SUCCESS", "error": "", "channel": channel})
        channels.append(
            {"id": channel, "name": f"pr-{number}", "is_archived": True, "messages": messages}
        )
    begun = [step * SECONDS for step in range(PLAN.last_step + 1)]
    kills = Counter(dict.fromkeys(ROLES, 10))
    return Evidence(runs=runs, channels=channels, begun=begun, kills=kills)


def test_a_run_without_a_fault_has_no_problem() -> None:
    assert problems(good(), PLAN) == []


@pytest.mark.parametrize("seed", range(1, 30))
def test_a_plan_closes_everything_and_never_when_a_reminder_is_due(seed: int) -> None:
    plan = Plan(stack="embedded", pulls=FULL_PULLS, days=FULL_DAYS, seed=seed)
    assert {life.number for life in plan.lives} == set(range(1, FULL_PULLS + 1))
    assert plan.is_full
    for life in plan.lives:
        assert 0 <= life.opened_at < life.closed_at <= plan.last_step
        assert (life.closed_at - life.opened_at) % STEPS
        assert len(life.words) == life.reminders + 2
    told = [one for step in range(plan.last_step + 1) for one in plan.webhooks(step)]
    assert len(told) == 2 * len(plan.lives)
    assert any(webhook == "reopened" for webhook, _ in told)


def fail_a_run(one: Evidence) -> None:
    one.runs[1]["state"] = "FAILURE"


def start_twice(one: Evidence) -> None:
    one.runs.append(one.runs[1] | {"channel": "C99"})


def lose_a_run(one: Evidence) -> None:
    del one.runs[1]


def leave_open(one: Evidence) -> None:
    one.channels[1]["is_archived"] = False


def make_another_channel(one: Evidence) -> None:
    one.channels.append(one.channels[1] | {"id": "C99"})


def say_twice(one: Evidence) -> None:
    said = one.channels[1]["messages"]
    said.insert(1, said[0] | {"metadata": {"event_payload": {"step": "another"}}})


def say_nothing(one: Evidence) -> None:
    del one.channels[1]["messages"][-1]


def say_it_a_day_late(one: Evidence) -> None:
    message = one.channels[1]["messages"][0]
    message["ts"] = f"{float(message['ts']) + SECONDS * STEPS:.6f}"


def post_by_the_same_step(one: Evidence) -> None:
    first, second, *_ = one.channels[1]["messages"]
    second["metadata"] = first["metadata"]


def post_by_no_step(one: Evidence) -> None:
    del one.channels[1]["messages"][0]["metadata"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (fail_a_run, "is FAILURE"),
        (start_twice, "There are 2 runs with the key"),
        (lose_a_run, "There are 0 runs with the key"),
        (leave_open, "is not archived"),
        (make_another_channel, "is that of 0 runs"),
        (say_twice, "In the channel of"),
        (say_nothing, "In the channel of"),
        (say_it_a_day_late, "was so in the steps"),
        (post_by_the_same_step, "2 messages are of the step"),
        (post_by_no_step, "of the step None"),
    ],
)
def test_each_fault_is_a_sentence(change: Callable[[Evidence], Any], words: str) -> None:
    evidence = good()
    change(evidence)
    found = problems(evidence, PLAN)
    assert any(words in sentence for sentence in found), found


def test_a_run_in_which_somebody_never_died_shows_nothing() -> None:
    mild = replace(good(), kills=Counter(web=3))
    assert any("Too mild: chat" in sentence for sentence in problems(mild, PLAN))
