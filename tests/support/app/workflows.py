"""Workflows for tests; what their steps do they note beside the history."""

import os
import random as chance
import signal
import time
from typing import Any

from django.contrib.auth.models import Group

from celery_uncovered.workflows import api as workflows
from tests.support.app import measured  # noqa: F401  # its workflows are found with these
from tests.support.app.notes import is_open, note, wait_at


@workflows.step
def act(text: str) -> str:
    note(f"{text} {os.getpid()}", file="steps")
    return text


@workflows.step
def slow(text: str, seconds: float) -> str:
    time.sleep(seconds)
    note(text, file="steps")
    return text


@workflows.step
def act_slowly(text: str) -> str:
    """Tells first who does it, and then takes long enough to be killed."""
    note(f"{text} {os.getpid()}", file="steps")
    time.sleep(0.03)
    return text


@workflows.step(retries=3, backoff=0.2)
def succeed_at(text: str, attempt: int) -> int:
    """Succeed at this attempt of those that have noted themselves."""
    note(f"try {text}")
    tried = sum(line == f"try {text}" for line in _notes())
    if tried < attempt:
        message = f"try {tried}"
        raise ConnectionError(message)
    return tried


@workflows.step(atomic=True)
def make_group(name: str) -> str:
    Group.objects.create(name=name)
    return name


@workflows.step
def hold(gate: str) -> str:
    note(f"{gate} begins")
    wait_at(gate)
    return gate


@workflows.step
def die_until(gate: str) -> str:
    if not is_open(gate):
        note(f"dies before {gate}")
        os.kill(os.getpid(), signal.SIGKILL)
    return gate


@workflows.workflow
def walk(name: str, steps: int) -> list[str]:
    return [act(f"{name}:{number}") for number in range(steps)]


@workflows.workflow
def walk_slowly(name: str, steps: int) -> list[str]:
    return [act_slowly(f"{name}:{number}") for number in range(steps)]


@workflows.workflow
def hold_then_walk(name: str) -> list[str]:
    first = act(f"{name}:0")
    hold(f"gate-{name}")
    return [first, act(f"{name}:1")]


@workflows.workflow
def crash(gate: str) -> str:
    act(f"before {gate}")
    return die_until(gate)


@workflows.workflow
def try_hard(name: str, attempt: int) -> int:
    return succeed_at(name, attempt)


@workflows.workflow
def everything(name: str) -> dict[str, Any]:
    """A bit of all there is; its result can be told from its name."""
    first = act(f"{name}:first")
    sides = workflows.gather(
        lambda: act(f"{name}:left"), lambda: make_group(name), lambda: slow(f"{name}:right", 0.01)
    )
    workflows.sleep(chance.random() * 0.2)  # noqa: S311
    child = workflows.start(walk, f"{name}:child", 3)
    event = workflows.wait_for_event(f"go:{name}", timeout=30)
    missed = workflows.wait_for_event(f"never:{name}", timeout=0.05)
    workflows.set_value("state", "nearly")
    return {
        "first": first,
        "sides": sides,
        "child": child.result(),
        "event": event,
        "missed": missed,
        "last": act(f"{name}:last"),
    }


@workflows.workflow
def sleep_for(seconds: float) -> str:
    workflows.sleep(seconds)
    return act("awake")


@workflows.workflow
def slow_steps(name: str, seconds: float) -> str:
    return slow(name, seconds)


@workflows.step(retries=3, backoff=3600)
def fail(text: str) -> None:
    note(text)
    raise ConnectionError(text)


@workflows.workflow
def wait_for_go(name: str) -> Any:
    workflows.set_value("stage", f"{name} is about to wait")
    act(f"{name}:before")
    answer = workflows.wait_for_event(f"go:{name}")
    return [answer, act(f"{name}:after")]


@workflows.workflow
def wait_for_child(name: str) -> Any:
    return workflows.start(wait_for_go, name).result()


@workflows.workflow
def fail_slowly(text: str) -> None:
    fail(text)


@workflows.workflow(queue="io")
def walk_in_io(name: str) -> str:
    return act(name)


@workflows.workflow
def change(name: str) -> Any:
    """Its code is another one once the file ``deployed`` is there."""
    act(f"{name}:new") if is_open("deployed") else act(f"{name}:old")
    return workflows.wait_for_event(f"go:{name}")


def _notes() -> list[str]:
    from django.conf import settings  # noqa: PLC0415

    path = settings.DATA_DIR / "notes"
    return path.read_text().splitlines() if path.exists() else []
