"""Taking back what ended processes held."""

import shutil
from contextlib import suppress
from pathlib import Path

from celery_uncovered.jobs.embedded_broker.durable import move_into
from celery_uncovered.jobs.embedded_broker.exchanges import BindingTable
from celery_uncovered.jobs.embedded_broker.folder import QueueFolder
from celery_uncovered.jobs.embedded_broker.layout import Layout
from celery_uncovered.jobs.embedded_broker.names import as_redelivered
from celery_uncovered.jobs.embedded_broker.owner import is_gone


def recover(layout: Layout, folder: QueueFolder, table: BindingTable) -> None:
    """Return the messages of ended processes to their queues; drop their leftovers.

    Any number of processes may do this at once. Leftovers are half-written messages, whose
    put never returned, and temporary queues. Costs a look at each owner, not at each message.
    """
    table.drop_temporary(is_gone, delete=folder.delete)
    for owner in _ended(layout.unacked):
        for queue in _entries(owner):
            _give_back_all(queue, layout.queues / queue.name)
        _remove_if_empty(owner)
    for owner in _ended(layout.incoming):
        shutil.rmtree(owner, ignore_errors=True)


def _give_back_all(held: Path, queue: Path) -> None:
    for message in _entries(held):
        move_into(queue, message, as_redelivered(message.name))
    _remove_if_empty(held)


def _ended(folder: Path) -> list[Path]:
    return [owner for owner in _entries(folder) if is_gone(owner.name)]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _remove_if_empty(folder: Path) -> None:
    # Another process may be removing it too, or still be moving its last message.
    with suppress(OSError):
        folder.rmdir()
