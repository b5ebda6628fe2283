from typing import Any

from celery import signals
from django.apps import AppConfig


class TestTasksConfig(AppConfig):
    name = "tests.support.app"
    label = "testtasks"

    def ready(self) -> None:
        signals.task_received.connect(note_redelivery, dispatch_uid="tests-redelivered")


def note_redelivery(request: Any, **_: Any) -> None:
    """Tell of each message that the broker says it has delivered before."""
    from tests.support.app.notes import note

    if request.delivery_info.get("redelivered"):
        note(str(request.id), file="redelivered")
