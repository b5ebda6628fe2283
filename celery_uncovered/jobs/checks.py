"""System checks that refuse settings which would lose jobs."""

from collections.abc import Callable
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from celery_uncovered.jobs.task import JobTask

BACKEND = "celery_uncovered.jobs.results.LedgerBackend"
#: RabbitMQ's default consumer_timeout: it closes a channel whose message waits longer for its ack.
CONSUMER_TIMEOUT = 30 * 60

#: id, what must hold of Celery's settings, and the sentence that says what is lost otherwise.
RULES: list[tuple[str, Callable[[Any], bool], str]] = [
    (
        "jobs.E001",
        lambda conf: bool(conf.task_acks_late),
        "CELERY_TASK_ACKS_LATE must be True: a message acknowledged before its job ended is lost"
        " with the worker.",
    ),
    (
        "jobs.E002",
        lambda conf: set(conf.accept_content or ()) <= {"json", "application/json"},
        'CELERY_ACCEPT_CONTENT must be ["json"]: other formats can run code.',
    ),
    (
        "jobs.E003",
        lambda conf: conf.task_serializer == "json" and conf.result_serializer == "json",
        "CELERY_TASK_SERIALIZER and CELERY_RESULT_SERIALIZER must be json.",
    ),
    (
        "jobs.E004",
        lambda conf: conf.result_backend == BACKEND,
        f'CELERY_RESULT_BACKEND must be "{BACKEND}": with another one, results miss the ledger.',
    ),
    (
        "jobs.E005",
        lambda conf: (
            not _is_amqp(conf) or bool((conf.broker_transport_options or {}).get("confirm_publish"))
        ),
        "CELERY_BROKER_TRANSPORT_OPTIONS needs confirm_publish: without it RabbitMQ can lose a"
        " message that was sent.",
    ),
    (
        "jobs.E006",
        lambda conf: not conf.task_always_eager,
        "CELERY_TASK_ALWAYS_EAGER must be off: an eager task is gone with its caller.",
    ),
    (
        "jobs.E007",
        lambda conf: not conf.task_time_limit or conf.task_time_limit < CONSUMER_TIMEOUT,
        f"CELERY_TASK_TIME_LIMIT must stay below {CONSUMER_TIMEOUT} seconds: RabbitMQ closes the"
        " channel of a message that waits longer for its acknowledgement.",
    ),
    (
        "jobs.E008",
        lambda conf: not conf.task_ignore_result or bool(conf.task_store_errors_even_if_ignored),
        "CELERY_TASK_IGNORE_RESULT needs CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED.",
    ),
]


def register_checks() -> None:
    register(check_celery)
    register(check_database)
    register(check_tasks)


def check_celery(**_: Any) -> list[CheckMessage]:
    """One error for each setting of Celery that would lose jobs."""
    conf = current_app.conf
    return [Error(sentence, id=name) for name, holds, sentence in RULES if not holds(conf)]


def check_database(**_: Any) -> list[CheckMessage]:
    """What the ledger needs of its database."""
    database = settings.DATABASES["default"]
    found: list[CheckMessage] = []
    if database.get("ATOMIC_REQUESTS"):
        sentence = "ATOMIC_REQUESTS must be off: a job would wait for the end of its request."
        found.append(Error(sentence, id="jobs.E010"))
    if database["ENGINE"].endswith("sqlite3"):
        options = database.get("OPTIONS", {})
        if options.get("transaction_mode") != "IMMEDIATE":
            sentence = (
                'SQLite needs OPTIONS["transaction_mode"] = "IMMEDIATE": a claim would fail'
                " instead of waiting."
            )
            found.append(Error(sentence, id="jobs.E011"))
        if not options.get("timeout", 5) < settings.JOBS_LEASE_SECONDS / 3:
            sentence = (
                'SQLite needs OPTIONS["timeout"] below a third of JOBS_LEASE_SECONDS: a waiting'
                " worker would lose its claims."
            )
            found.append(Error(sentence, id="jobs.E012"))
    elif not database["ENGINE"].endswith("postgresql"):
        sentence = f"The ledger is held on PostgreSQL and SQLite, not on {database['ENGINE']}."
        found.append(Error(sentence, id="jobs.E013"))
    return found


def check_tasks(**_: Any) -> list[CheckMessage]:
    """Tasks whose own base is not ours would leave no ledger row."""
    return [
        Warning(
            f"Task {name} does not derive from JobTask: its submissions leave no ledger row.",
            id="jobs.W001",
        )
        for name, task in current_app.tasks.items()
        if not isinstance(task, JobTask)
    ]


def _is_amqp(conf: Any) -> bool:
    return str(conf.broker_url or "").startswith(("amqp", "pyamqp"))
