"""A worker's sign of life: its main process beats for itself and its children in one row."""

import json
import logging
import threading
from collections.abc import Iterable

from celery import current_app, signals
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models.functions import Now

from celery_uncovered.jobs import node
from celery_uncovered.jobs.forking import no_fork
from celery_uncovered.jobs.models import Node
from celery_uncovered.jobs.worker import board, lost
from celery_uncovered.jobs.worker.terminate import terminate_on_request

log = logging.getLogger(__name__)

_stop = threading.Event()


def connect_worker_signals() -> None:
    signals.celeryd_after_setup.connect(_on_setup, dispatch_uid="jobs-node")
    signals.worker_ready.connect(_on_ready, dispatch_uid="jobs-heartbeat")
    signals.worker_shutdown.connect(_on_shutdown, dispatch_uid="jobs-heartbeat-end")


def beat(identity: node.Identity, name: str, queues: Iterable[str] | None = None) -> None:
    """Write the node's row, or renew it; ``queues`` are those that it takes jobs from."""
    Node.objects.update_or_create(
        id=identity.id,
        defaults={
            "name": name,
            "host": identity.host,
            "boot_id": identity.boot_id,
            "pid": identity.pid,
            "process_start": identity.process_start,
            "queues": None if queues is None else json.dumps(sorted(queues)),
            "beat_at": Now(),
        },
    )


def _on_setup(sender: str, **_: object) -> None:
    """Before the pool forks: the children inherit whom they claim for, but no connection."""
    identity = node.become_worker()
    board.lay_out()
    try:
        beat(identity, sender, _queues())
    except (DatabaseError, InterfaceError) as error:
        log.warning("The first heartbeat failed: %s", error)
    finally:
        connection.close()


def _on_ready(sender: object, **_: object) -> None:
    _stop.clear()
    name = str(getattr(sender, "hostname", "worker"))
    threading.Thread(target=_beat_on, args=(name,), name="jobs-heartbeat", daemon=True).start()
    threading.Thread(
        target=terminate_on_request, args=(_stop,), name="jobs-terminate", daemon=True
    ).start()


def _beat_on(name: str) -> None:
    identity = node.worker_node()
    while not _stop.wait(settings.JOBS_LEASE_SECONDS / 4):
        with no_fork():
            try:
                beat(identity, name, _queues())
                # Those that the database kept us from bringing back when their process died.
                lost.recover_lost_children(identity.id)
            except Exception as error:  # noqa: BLE001  # a worker that stops beating is taken for dead
                log.warning("A heartbeat failed: %s", error)
            finally:
                # Children are forked from this process at any time: they must not inherit it.
                connection.close()


def _queues() -> list[str]:
    """What it takes jobs from now: ``celery control`` may have added some, or taken some away."""
    return list(current_app.amqp.queues.consume_from)


def _on_shutdown(**_: object) -> None:
    _stop.set()
    try:
        Node.objects.filter(id=node.worker_node().id).delete()
    except (DatabaseError, InterfaceError) as error:
        log.warning("Signing off failed: %s", error)
    finally:
        connection.close()
