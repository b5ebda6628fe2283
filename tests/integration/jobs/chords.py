"""What the tests of chords call in a stack's own process."""

from typing import Any

from celery import chord, current_app

from tests.support.app import tasks


def submit(header: list[list[Any]], label: str, body_id: str | None = None) -> dict[str, Any]:
    """A chord of ``[task's name, *arguments]``, whose callback notes ``label``; the ids of all."""
    parts = [current_app.signature(name, args) for name, *args in header]
    body: Any = tasks.collect.s(label)
    if body_id:
        body.set(task_id=body_id)
    result: Any = chord(parts, body).delay()
    return {"parts": [part.id for part in result.parent], "callback": result.id}
