"""The front door is typed: what is marked here as an error is one for mypy, and all else is none.

An ignore that is not needed is an error for mypy as well (strict), so ``make check`` shows both.
"""

from datetime import datetime, timedelta
from typing import Any, assert_type

import pytest

from celery_uncovered.workflows import api as workflows


@workflows.step
def add(first: int, second: int = 1) -> int:
    return first + second


@workflows.step(retries=3, backoff=timedelta(minutes=1), timeout=30, atomic=True)
def greet(name: str) -> str:
    return f"Hello {name}"


@workflows.workflow
def order(number: int, *, fast: bool = False) -> str:
    return f"{number} {fast}"


@workflows.workflow(name="unit.with_options", queue="io")
def with_options(number: int) -> int:
    return number


#: Everything that the issue names, in the words that people type.
NAMES = {
    "workflow", "step", "start", "start_many", "sleep", "sleep_until", "wait_for_event", "send_event",
    "gather", "now", "uuid4", "random", "set_value", "patched", "continue_as_new", "run_id",
    "cancel", "cancel_many", "resume", "resume_many", "fork", "fork_many", "Handle",
}  # fmt: skip


def test_all_names_are_there() -> None:
    assert set(workflows.__all__) >= NAMES
    assert all(hasattr(workflows, name) for name in workflows.__all__)
    assert callable(workflows.Handle("x").query)


def test_outside_of_a_run_a_step_is_just_its_function() -> None:
    assert add(1) == 2
    assert greet("Ada") == "Hello Ada"
    assert repr(greet) == "<step greet>"
    assert order(7, fast=True) == "7 True"


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("sleep()", lambda: workflows.sleep(1)),
        ("sleep_until()", lambda: workflows.sleep_until(datetime.now())),  # noqa: DTZ005
        ("wait_for_event()", lambda: workflows.wait_for_event("x")),
        ("gather()", workflows.gather),
        ("now()", workflows.now),
        ("uuid4()", workflows.uuid4),
        ("random()", workflows.random),
        ("set_value()", lambda: workflows.set_value("x", 1)),
        ("patched()", lambda: workflows.patched("x")),
        ("continue_as_new()", lambda: workflows.continue_as_new(1)),
        ("run_id()", workflows.run_id),
    ],
)
def test_what_belongs_in_a_run_is_refused_elsewhere_in_one_sentence(name: str, call: Any) -> None:
    with pytest.raises(workflows.NotInARunError) as refused:
        call()
    assert str(refused.value) == (
        f"{name} can be called by a workflow that is running, and here is none."
    )


def test_two_workflows_of_one_name_are_refused() -> None:
    with pytest.raises(workflows.WorkflowError) as refused:
        workflows.workflow(name="unit.with_options")(lambda: None)
    assert str(refused.value) == (
        'Workflow "unit.with_options" is defined twice; give one of them another name.'
    )


def calls_that_fit() -> None:
    """Never called: mypy alone reads it."""
    assert_type(add(1, second=2), int)
    assert_type(greet("Ada"), str)
    assert_type(order(7), str)
    assert_type(workflows.start(order, 7, fast=True), workflows.Handle[str])
    assert_type(workflows.start(order.keyed("k", afterwards="return"), 7).result(timeout=5), str)
    assert_type(workflows.start(with_options, 7).result(), int)
    assert_type(workflows.start_many(order, [[1], [2]]), list[workflows.Handle[str]])
    assert_type(workflows.now(), datetime)
    assert_type(workflows.gather(lambda: add(1), lambda: add(2)), list[int])


def calls_that_do_not() -> None:
    """Never called: mypy alone reads it, and each ignore is an error that it must find."""
    add("1")  # type: ignore[arg-type]
    add(1, third=3)  # type: ignore[call-arg]
    greet()  # type: ignore[call-arg]
    workflows.start(order)  # type: ignore[call-arg]
    workflows.start(order, "7")  # type: ignore[arg-type]
    workflows.start(order, 7, quick=True)  # type: ignore[call-arg]
    workflows.start(order.keyed("k"), "7")  # type: ignore[arg-type]
    order.keyed("k", afterwards="again")  # type: ignore[arg-type]
    workflows.start(add, 1)  # type: ignore[arg-type]
    workflows.step(retry=3)  # type: ignore[call-overload]
    workflows.wait_for_event("x", timeout="1 day")  # type: ignore[arg-type]
    workflows.start(with_options, 7).result().upper()  # type: ignore[attr-defined]
