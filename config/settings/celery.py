"""Celery's settings for both ways to run: the embedded broker, and RabbitMQ."""

from pathlib import Path
from typing import Any

from kombu import Exchange, Queue

#: Queues that workers consume; a class of work each, since brokers differ in priorities.
QUEUES = ("default", "io")

JOBS = Exchange("jobs", type="topic", arguments={"alternate-exchange": "jobs.unroutable"})
UNROUTABLE = Exchange("jobs.unroutable", type="fanout")
DEAD = Exchange("jobs.dead", type="fanout")
#: What catches messages that no queue takes, and those that a queue gives up; nobody consumes them.
SAFETY_QUEUES = [
    Queue(exchange.name, exchange, queue_arguments={"x-queue-type": "quorum"})
    for exchange in (UNROUTABLE, DEAD)
]


def job_queue(name: str) -> Queue:
    return Queue(
        name,
        JOBS,
        routing_key=name,
        queue_arguments={
            "x-queue-type": "quorum",
            "x-dead-letter-exchange": DEAD.name,
            "x-delivery-limit": 20,
        },
    )


def broker_settings(url: str, data_dir: Path) -> dict[str, Any]:
    """``CELERY_*`` settings for the broker at ``url``, or the embedded one where it is empty."""
    return COMMON | (amqp(url) if url else embedded(data_dir / "broker"))


def amqp(url: str) -> dict[str, Any]:
    return {
        "CELERY_BROKER_URL": url,
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"confirm_publish": True},
    }


def embedded(folder: Path) -> dict[str, Any]:
    return {
        "CELERY_BROKER_URL": "filesystem://localhost//",
        "CELERY_BROKER_TRANSPORT": "celery_uncovered.jobs.embedded_broker:Transport",
        "CELERY_BROKER_TRANSPORT_OPTIONS": {"folder": str(folder)},
    }


COMMON: dict[str, Any] = {
    "CELERY_TASK_QUEUES": [job_queue(name) for name in QUEUES],
    "CELERY_JOBS_SAFETY_QUEUES": SAFETY_QUEUES,
    "CELERY_TASK_DEFAULT_QUEUE": "default",
    "CELERY_TASK_DEFAULT_EXCHANGE": JOBS.name,
    "CELERY_TASK_DEFAULT_EXCHANGE_TYPE": JOBS.type,
    "CELERY_TASK_DEFAULT_ROUTING_KEY": "default",
    "CELERY_TASK_CREATE_MISSING_QUEUES": False,
    # What waits for other machines; the rest goes to the default queue.
    "CELERY_TASK_ROUTES": {
        "celery_uncovered.toyex.tasks.fetch_*": {"queue": "io"},
        "celery_uncovered.toyex.tasks.mail_*": {"queue": "io"},
        "celery_uncovered.tricks.letters.tasks.send_*": {"queue": "io"},
        "celery_uncovered.error_mails.tasks.mail_*": {"queue": "io"},
        "celery_uncovered.tricks.payments.tasks.charge_*": {"queue": "io"},
        "celery_uncovered.tricks.payments.tasks.settle_*": {"queue": "io"},
    },
    # JSON only, both ways.
    "CELERY_TASK_SERIALIZER": "json",
    "CELERY_RESULT_SERIALIZER": "json",
    "CELERY_ACCEPT_CONTENT": ["json"],
    # A message leaves the broker only after the outcome is in the ledger, also of tasks that are no jobs.
    "CELERY_TASK_ACKS_LATE": True,
    "CELERY_TASK_REJECT_ON_WORKER_LOST": True,
    "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
    "CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS": False,
    "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT": 10,
    "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
    "CELERY_TASK_TIME_LIMIT": 600,
    "CELERY_TASK_SOFT_TIME_LIMIT": 570,
    # Celery would close the database connection before and after each task; CONN_MAX_AGE decides.
    "CELERY_DB_REUSE_MAX": 1_000_000_000,
    "CELERY_RESULT_BACKEND": "celery_uncovered.jobs.results.LedgerBackend",
    "CELERY_RESULT_EXTENDED": True,
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
    "CELERY_BEAT_SCHEDULER": "celery_uncovered.jobs.schedules.scheduler:LedgerScheduler",
    "CELERY_BEAT_MAX_LOOP_INTERVAL": 5,
    "CELERY_TIMEZONE": "UTC",
    "CELERY_ENABLE_UTC": True,
}
