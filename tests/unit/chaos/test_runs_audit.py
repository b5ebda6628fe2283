"""The audit of runs under fire says every way in which one may have gone wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.runs.audit import expected, problems
from tests.chaos.runs.evidence import Evidence
from tests.chaos.runs.plan import Plan

#: One journey of each kind.
PLAN = Plan(stack="embedded", jobs=6, minutes=0.1, seed=1, periods={})
PLACES: dict[str, Callable[[int], list[str]]] = {
    "loop": lambda size: [f"main:{number}" for number in range(size + 1)],
    "listen": lambda size: [f"main:{number}" for number in range(size)],
    "family": lambda _: ["main:0", "main:1"],
    "spread": lambda size: [f"side{side}:{number}" for side in range(size) for number in range(3)],
    "try_hard": lambda size: [f"main:{number}" for number in range(size)],
    "begin_anew": lambda size: [f"main:{number}" for number in range(size)],
}
BOOKED = {
    "loop": ["main:4", "main:2"],
    "family": ["main:1"],
    "spread": [f"side{n}:2" for n in range(4)],
}


def good() -> Evidence:
    """What a run without a fault leaves."""
    runs: dict[str, dict[str, Any]] = {}
    steps: dict[str, list[list[Any]]] = {}
    begun: dict[str, list[tuple[str, str]]] = {}
    bookings: dict[str, list[str]] = {}
    events = []
    for name, (kind, size) in expected(PLAN).items():
        places = PLACES[kind](size)
        begun[name] = [(place, f"{name} {place}") for place in places]
        steps[f"id {name}"] = [
            [f"id {name}", number, "", f"act#{number}", "step", False, json.dumps(token)]
            for number, (_, token) in enumerate(begun[name])
        ]
        tokens: Any = [token for _, token in begun[name]]
        if kind == "family":
            tokens = [tokens, ["of a child"], ["of another"]]
        if kind == "begin_anew":
            tokens = tokens[-1]
        if kind == "listen":
            tokens = list(range(size))
            events += [[name, f"id {name}"]] * size
        runs[name] = {
            "id": f"id {name}", "key": name, "state": "SUCCESS", "epoch": 2, "crashes": 0,
            "result": json.dumps(tokens), "error": "",
        }  # fmt: skip
        for place in places[-1:] if kind in {"loop", "family"} else BOOKED.get(kind, []):
            bookings[f"{name}|{place}"] = [f"{name} {place}"]
    return Evidence(runs=runs, steps=steps, events=events, begun=begun, bookings=bookings)


LOOP, LISTEN, SPREAD = "loop-00000", "listen-00001", "spread-00003"


def test_a_run_without_a_fault_has_no_problem() -> None:
    assert problems(good(), PLAN) == []


def test_a_step_may_begin_again_as_often_as_its_run_was_claimed() -> None:
    one = good()
    one.begun[LOOP].insert(1, ("main:0", "lost with its process"))
    assert problems(one, PLAN) == []


def lose_a_run(one: Evidence) -> None:
    del one.runs[LOOP]


def start_one_too_many(one: Evidence) -> None:
    one.runs["unheard of"] = {**one.runs[LOOP], "id": "x"}


def leave_one_waiting(one: Evidence) -> None:
    one.runs[LOOP]["state"] = "WAITING"


def hear_in_another_order(one: Evidence) -> None:
    one.runs[LISTEN]["result"] = "[1, 0, 2]"


def return_what_was_not_recorded(one: Evidence) -> None:
    one.runs[LOOP]["result"] = json.dumps(["a", "b", "c", "d", "e"])


def record_what_was_not_done(one: Evidence) -> None:
    one.begun[LOOP][1] = ("main:1", "another token")


def record_an_error(one: Evidence) -> None:
    one.steps[f"id {LOOP}"][0][5] = True


def record_twice(one: Evidence) -> None:
    one.steps[f"id {LOOP}"].append([*one.steps[f"id {LOOP}"][0]])


def begin_a_recorded_step_again(one: Evidence) -> None:
    one.begun[LOOP].append(("main:0", "again"))


def begin_too_often(one: Evidence) -> None:
    one.begun[LOOP][:0] = [("main:0", "one"), ("main:0", "two")]


def book_twice(one: Evidence) -> None:
    one.bookings[f"{SPREAD}|side0:2"] *= 2


def book_nothing(one: Evidence) -> None:
    del one.bookings[f"{LOOP}|main:4"]


def book_what_is_not_recorded(one: Evidence) -> None:
    one.bookings[f"{LOOP}|main:4"] = ["another"]


def leave_an_event(one: Evidence) -> None:
    one.events[0] = [LISTEN, None]


def send_an_event_twice(one: Evidence) -> None:
    one.events.append([LISTEN, f"id {LISTEN}"])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lose_a_run, f"1 runs are missing, such as '{LOOP}'."),
        (start_one_too_many, "1 runs are more than asked for, such as 'unheard of'."),
        (leave_one_waiting, f"Run '{LOOP}' is WAITING: "),
        (hear_in_another_order, f"Run '{LISTEN}' heard [1, 0, 2]."),
        (return_what_was_not_recorded, f"The result of run '{LOOP}' has what its history has not"),
        (record_what_was_not_done, f"The history of run '{LOOP}' has what was never done"),
        (record_an_error, f"Run '{LOOP}' has recorded an error."),
        (record_twice, f"Run '{LOOP}' has act#0 2 times in its history."),
        (begin_a_recorded_step_again, f"Run '{LOOP}' began 'main:0' after main:4."),
        (begin_too_often, f"Run '{LOOP}' began 'main:0' 3 times in 2 claims."),
        (book_twice, f"2 rows are booked at '{SPREAD}|side0:2'."),
        (book_nothing, f"0 rows are booked at '{LOOP}|main:4'."),
        (book_what_is_not_recorded, f"What is booked at '{LOOP}|main:4' is not what its run"),
        (leave_an_event, f"An event for '{LISTEN}' was taken by None."),
        (send_an_event_twice, f"4 events were sent for '{LISTEN}', not 3."),
    ],
)
def test_what_went_wrong_is_said(spoil: Callable[[Evidence], None], said: str) -> None:
    one = replace(good())
    spoil(one)
    assert any(problem.startswith(said) for problem in problems(one, PLAN)), problems(one, PLAN)
