"""System checks that refuse settings which would lose jobs, in Django's commands and in Celery's."""

import logging
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any

from celery import current_app, signals
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004

from celery_uncovered.jobs.scope.declared import of_request, problems
from celery_uncovered.jobs.submit import import_tasks
from celery_uncovered.jobs.task import JobTask

BACKEND = "celery_uncovered.jobs.results.LedgerBackend"
#: RabbitMQ's default consumer_timeout: it closes a channel whose message waits longer for its ack.
CONSUMER_TIMEOUT = 30 * 60

_looking: ContextVar[bool] = ContextVar("looking", default=False)

#: id, what must hold of Celery's settings, and the sentence that says what is lost otherwise.
RULES: list[tuple[str, Callable[[Any], bool], str]] = [
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
    (
        "jobs.E014",
        lambda conf: all(map(_is_bound, _queues(conf))),
        "CELERY_TASK_QUEUES must bind each queue to a named exchange with a routing key: what is"
        " sent to the others reaches nobody.",
    ),
]


def register_checks() -> None:
    register(check_celery)
    register(check_database)
    register(check_tasks)
    register(check_storage)
    register(check_scope)
    register(check_logs)
    # Celery's own commands run the checks too, but start whatever they say.
    signals.celeryd_init.connect(refuse_to_start, dispatch_uid="jobs-checks")
    signals.beat_init.connect(refuse_to_start, dispatch_uid="jobs-checks")


def refuse_to_start(**_: Any) -> None:
    """End a worker or beat whose settings would lose jobs, with one sentence for each of them.

    Only one whose tasks are jobs: another Celery application in this process is not ours to judge.
    As SystemExit, since Celery's signals swallow every Exception.
    """
    if not issubclass(current_app.Task, JobTask):
        return
    found = [
        error
        for check in (check_celery, check_database, check_scope, check_logs)
        for error in check()
        if error.is_serious()
    ]
    if found:
        raise SystemExit("\n".join(f"{error.id}: {error.msg}" for error in found))


def check_celery(**_: Any) -> list[CheckMessage]:
    """One error for each setting of Celery that would lose jobs."""
    conf = current_app.conf
    found: list[CheckMessage] = [
        Error(sentence, id=name) for name, holds, sentence in RULES if not holds(conf)
    ]
    if conf.task_always_eager:
        sentence = (
            "CELERY_TASK_ALWAYS_EAGER is for tests: an eager job is not tried again, and is gone"
            " with its caller."
        )
        found.append(Warning(sentence, id="jobs.W003"))
    return found


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
    """Tasks that are no jobs, since their own base is not ours, and jobs that could be lost."""
    if _looking.get():
        return []  # Celery runs all checks itself as it imports the tasks
    token = _looking.set(True)
    try:
        import_tasks()
    finally:
        _looking.reset(token)
    found: list[CheckMessage] = []
    for name, task in current_app.tasks.items():
        if not isinstance(task, JobTask):
            sentence = f"Task {name} is no job: let its base derive from celery_uncovered.jobs.task.JobTask."
            found.append(Warning(sentence, id="jobs.W001"))
        elif not (task.acks_late and task.reject_on_worker_lost):
            sentence = (
                f"Task {name} must not turn acks_late or reject_on_worker_lost off: its message is"
                " lost with the worker."
            )
            found.append(Error(sentence, id="jobs.E001"))
    return found


def check_storage(**_: Any) -> list[CheckMessage]:
    if "artifacts" in settings.STORAGES:
        return []
    sentence = (
        'STORAGES has no "artifacts": files that jobs make go to the default storage, which may be'
        " public."
    )
    return [Warning(sentence, id="jobs.W002")]


def check_scope(**_: Any) -> list[CheckMessage]:
    """One error for each declaration of the scope with which no job could be submitted or run."""
    found: list[CheckMessage] = [Error(sentence, id="jobs.E015") for sentence in problems()]
    try:
        of_request()
    except ImportError as problem:
        sentence = f"JOBS_SCOPE_OF_REQUEST cannot be imported: {problem}."
        found.append(Error(sentence, id="jobs.E016"))
    return found


def check_logs(**_: Any) -> list[CheckMessage]:
    """What the logs of tasks need; workers would go on without any."""
    levels = logging.getLevelNamesMapping()
    if settings.JOBS_LOG_LEVEL in levels:
        return []
    sentence = (
        f'JOBS_LOG_LEVEL "{settings.JOBS_LOG_LEVEL}" is no level; choose one of:'
        f" {', '.join(sorted(levels, key=levels.__getitem__))}."
    )
    return [Error(sentence, id="jobs.E020")]


def _queues(conf: Any) -> Iterable[Any]:
    queues = conf.task_queues or ()
    return queues.values() if isinstance(queues, Mapping) else queues


def _is_bound(queue: Any) -> bool:
    """For a kombu Queue, and for the dictionary of its options that Celery takes as well."""
    if isinstance(queue, Mapping):
        return bool(queue.get("exchange") and queue.get("routing_key"))
    exchange = getattr(queue.exchange, "name", "")
    return bool(exchange and not queue.exchange.no_declare and queue.routing_key)


def _is_amqp(conf: Any) -> bool:
    return str(conf.broker_url or "").startswith(("amqp", "pyamqp"))
