"""Places where a process of the installation waits for the test, so that it can be killed there.

The settings module ``tests.acceptance.stalling_settings`` puts them in. A test holds a place; the
first process that comes there writes down its id and waits until the test lets go; later ones,
such as the next attempt, pass.
"""

import os
import time
from pathlib import Path
from typing import Any

from celery import signals
from django.conf import settings

from celery_uncovered.jobs.storage import DurableFileSystemStorage

PAUSE = 0.02


def stall_at(place: str) -> None:
    folder = Path(settings.DATA_DIR, "stalls")
    hold = folder / f"{place}.hold"
    if not hold.exists():
        return
    draft = folder / f"{place}.{os.getpid()}"
    draft.write_text(str(os.getpid()))
    try:
        os.link(draft, folder / f"{place}.reached")
    except FileExistsError:
        return
    while hold.exists():
        time.sleep(PAUSE)


class StallingStorage(DurableFileSystemStorage):
    """Stalls at "storage", between a file and its row."""

    def _save(self, name: str, content: Any) -> str:
        stored = super()._save(name, content)
        stall_at("storage")
        return stored


def connect() -> None:
    """Stall at a task's name before it runs, and at a job's id before it is submitted."""
    signals.task_prerun.connect(_on_prerun, weak=False)
    signals.before_task_publish.connect(_on_publish, weak=False)


def _on_prerun(sender: Any, **_: object) -> None:
    stall_at(sender.name.rpartition(".")[2])


def _on_publish(headers: dict[str, Any], **_: object) -> None:
    stall_at(headers["id"])


class Stalls:
    """The test's side."""

    def __init__(self, data_folder: str) -> None:
        self.folder = Path(data_folder, "stalls")
        self.folder.mkdir(exist_ok=True)

    def hold(self, place: str) -> None:
        (self.folder / f"{place}.hold").touch()

    def reached_by(self, place: str) -> int:
        """The id of the process that waits there; 0 as long as there is none."""
        note = self.folder / f"{place}.reached"
        return int(note.read_text()) if note.exists() else 0

    def let_go(self) -> None:
        """Everybody goes on, and the places are as new."""
        for path in [*self.folder.glob("*.hold"), *self.folder.glob("*")]:
            path.unlink(missing_ok=True)
