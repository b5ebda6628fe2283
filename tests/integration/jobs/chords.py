"""What the tests of chords call in a stack's own process."""

import itertools
from typing import Any

from celery import chord, current_app
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.app import tasks
from tests.unit.jobs.running import run_job

#: What is as large as its chord.
LARGE = ('"jobs_chord"."body"', '"jobs_chord"."parts"')


def submit(header: list[list[Any]], label: str, body_id: str | None = None) -> dict[str, Any]:
    """A chord of ``[task's name, *arguments]``, whose callback notes ``label``; the ids of all."""
    parts = [current_app.signature(name, args) for name, *args in header]
    body: Any = tasks.collect.s(label)
    if body_id:
        body.set(task_id=body_id)
    result: Any = chord(parts, body).delay()
    return {"parts": [part.id for part in result.parent], "callback": result.id}


def cost_of_parts(size: int) -> dict[str, Any]:
    """What the parts of a chord of ``size`` ask of the database, run one after the other in this process.

    ``statements`` and ``characters`` are the most of one part but the last, ``large`` says whether one of
    those read what is as large as the chord; ``last`` are the statements of the last part.
    """
    ids = submit([["tests.support.app.tasks.add", number, 0] for number in range(size)], "cost")[
        "parts"
    ]
    asked = []
    for task_id in ids:
        with CaptureQueriesContext(connection) as captured:
            run_job(task_id)
        asked.append([query["sql"] for query in captured.captured_queries])
    return {
        "statements": max(len(texts) for texts in asked[1:-1]),
        "characters": max(sum(map(len, texts)) for texts in asked[1:-1]),
        "large": any(map(reads_large, itertools.chain(*asked[:-1]))),
        "last": len(asked[-1]),
    }


def reads_large(statement: str) -> bool:
    """Whether it reads a chord's texts, but for the look whether no part is left: that finds no row."""
    return any(name in statement for name in LARGE) and '"remaining" <= 0' not in statement
