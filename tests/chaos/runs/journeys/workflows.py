"""Workflows that tell what they did, beside their histories: a line for each time that a step began.

A line is ``journey|place|token|process``. The token is another one each time, and it is what the step
returns: so a run's result tells which of the executions counted. Places of a branch, ``branch:number``,
are numbered in their order.
"""

import os
import random
import time
import uuid

from django.contrib.auth.models import User

from celery_uncovered.workflows import api as workflows
from tests.support.app.notes import note

EFFECTS = "effects"


def leave(journey: str, place: str) -> str:
    token = uuid.uuid4().hex[:12]
    note(f"{journey}|{place}|{token}|{os.getpid()}", file=EFFECTS)
    return token


@workflows.step
def act(journey: str, place: str) -> str:
    return leave(journey, place)


@workflows.step
def dawdle(journey: str, place: str) -> str:
    """A step that takes its time, in a thread."""
    token = leave(journey, place)
    time.sleep(random.uniform(0.01, 0.2))  # noqa: S311
    return token


@workflows.step(retries=100, backoff=0.1, factor=1)
def stumble(journey: str, place: str) -> str:
    """A step that fails as often as not."""
    token = leave(journey, place)
    if random.random() < 0.5:  # noqa: S311
        message = f"{journey} {place}"
        raise ConnectionError(message)
    return token


@workflows.step(atomic=True)
def book(journey: str, place: str) -> str:
    """A row that nothing but the transaction keeps from being there twice."""
    token = leave(journey, place)
    User.objects.create(username=token, first_name=f"{journey}|{place}")
    return token


@workflows.workflow
def loop(journey: str, rounds: int) -> list[str]:
    tokens = []
    for number in range(rounds):
        tokens.append(act(journey, f"main:{number}"))
        workflows.sleep(workflows.random() * 0.5)
    tokens.append(book(journey, f"main:{rounds}"))
    return tokens


@workflows.workflow
def listen(journey: str, events: int) -> list[int]:
    """Every event once and in its order, and a time that is up in between."""
    heard = []
    for number in range(events):
        act(journey, f"main:{number}")
        heard.append(workflows.wait_for_event(journey))
        if workflows.wait_for_event(f"never {journey}", timeout=0.1) is not None:
            heard.append(-1)
    return heard


@workflows.workflow
def family(journey: str, children: int) -> list[list[str]]:
    first = act(journey, "main:0")
    started = [
        workflows.start(loop.keyed(f"{journey} child {number}"), f"{journey} child {number}", 2)
        for number in range(children)
    ]
    results = [child.result() for child in started]
    return [[first, book(journey, "main:1")], *results]


@workflows.workflow
def spread(journey: str, sides: int) -> list[list[str]]:
    def side(name: str) -> list[str]:
        return [
            act(journey, f"{name}:0"),
            dawdle(journey, f"{name}:1"),
            book(journey, f"{name}:2"),
        ]

    return workflows.gather(*(lambda n=n: side(f"side{n}") for n in range(sides)))


@workflows.workflow
def try_hard(journey: str, steps: int) -> list[str]:
    return [stumble(journey, f"main:{number}") for number in range(steps)]


@workflows.workflow
def begin_anew(journey: str, rounds: int, number: int = 0) -> str:
    token = act(journey, f"main:{number}")
    workflows.sleep(0.05)
    if number + 1 < rounds:
        workflows.continue_as_new(journey, rounds, number + 1)
    return token
