"""Each check passes with the project's settings, and fails on purpose."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Task, current_app
from kombu import Exchange, Queue

from celery_uncovered.jobs import checks
from celery_uncovered.jobs.task import JobTask
from tests.servers.session import ROOT
from tests.support.databases import new_sqlite

CONF = (
    "accept_content",
    "task_serializer",
    "result_serializer",
    "result_backend",
    "broker_url",
    "broker_transport_options",
    "task_always_eager",
    "task_time_limit",
    "task_ignore_result",
    "task_store_errors_even_if_ignored",
    "task_queues",
)
AMQP = {"broker_url": "amqp://localhost//"}
LOSING = "from config.settings.test import *\nCELERY_RESULT_SERIALIZER = 'yaml'\n"
CELERY = ("-m", "celery", "-A", "celery_uncovered")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A copy of Celery's settings and tasks, to be spoilt."""
    values = SimpleNamespace(**{name: current_app.conf[name] for name in CONF})
    app = SimpleNamespace(conf=values, tasks=dict(current_app.tasks))
    monkeypatch.setattr(checks, "current_app", app)
    return app


@pytest.fixture
def conf(app: SimpleNamespace) -> Any:
    return app.conf


@pytest.fixture
def database(settings: Any) -> dict[str, Any]:
    """The project's own database settings; the test's connection is not touched."""
    spoilt: dict[str, Any] = {"default": dict(settings.DATABASES["default"])}
    settings.DATABASES = spoilt
    return spoilt["default"]  # type: ignore[no-any-return]


def ids(messages: list[Any]) -> list[str]:
    return [str(message.id) for message in messages]


def test_the_projects_settings_pass(conf: SimpleNamespace) -> None:
    found = checks.check_celery() + checks.check_database() + checks.check_tasks()
    assert ids(found + checks.check_logs()) == []


def test_a_level_that_is_none_is_refused(settings: Any) -> None:
    settings.JOBS_LOG_LEVEL = "LOUD"
    (found,) = checks.check_logs()
    assert found.id == "jobs.E020"
    assert found.msg.startswith('JOBS_LOG_LEVEL "LOUD" is no level; choose one of: NOTSET, DEBUG,')
    with pytest.raises(SystemExit, match=r"jobs\.E020"):
        checks.refuse_to_start()


@pytest.mark.parametrize(
    ("number", "spoilt"),
    [
        ("E002", {"accept_content": ["json", "pickle"]}),
        ("E003", {"task_serializer": "pickle"}),
        ("E003", {"result_serializer": "yaml"}),
        ("E004", {"result_backend": "django-db"}),
        ("E005", AMQP | {"broker_transport_options": {}}),
        ("E005", AMQP | {"broker_transport_options": {"confirm_publish": False}}),
        ("E007", {"task_time_limit": 1800}),
        ("E008", {"task_ignore_result": True, "task_store_errors_even_if_ignored": False}),
        ("E014", {"task_queues": [Queue("default")]}),
        ("E014", {"task_queues": [Queue("default", Exchange("jobs"))]}),
        ("E014", {"task_queues": [Queue("default", Exchange("", "direct"), "default")]}),
        ("E014", {"task_queues": [Queue("io", Exchange("jobs", no_declare=True), "io")]}),
        ("E014", {"task_queues": {"default": {"exchange": "jobs"}}}),
    ],
)
def test_a_setting_that_loses_jobs_is_refused(
    conf: SimpleNamespace, number: str, spoilt: dict[str, Any]
) -> None:
    vars(conf).update(spoilt)
    found = checks.check_celery()
    assert ids(found) == [f"jobs.{number}"]
    assert found[0].is_serious()
    assert found[0].msg.endswith(".")


@pytest.mark.parametrize(
    ("number", "spoilt"),
    [
        ("E010", {"ATOMIC_REQUESTS": True}),
        ("E011", {"OPTIONS": {"timeout": 5}}),
        ("E012", {"OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"}}),
        ("E013", {"ENGINE": "django.db.backends.mysql"}),
    ],
)
def test_a_database_that_does_not_suit_is_refused(
    database: dict[str, Any], number: str, spoilt: dict[str, Any]
) -> None:
    database.update(spoilt)
    assert ids(checks.check_database()) == [f"jobs.{number}"]


def test_postgresql_suits(database: dict[str, Any]) -> None:
    database.update(ENGINE="django.db.backends.postgresql", OPTIONS={})
    assert checks.check_database() == []


def test_rabbitmq_with_confirms_suits(conf: SimpleNamespace) -> None:
    vars(conf).update(AMQP, broker_transport_options={"confirm_publish": True})
    assert checks.check_celery() == []


def test_a_task_of_another_base_is_named(app: SimpleNamespace) -> None:
    app.tasks["shop.pay"] = Task()
    (found,) = checks.check_tasks()
    assert (found.id, found.is_serious()) == ("jobs.W001", False)
    assert found.msg.startswith("Task shop.pay ")


@pytest.mark.parametrize("name", ["acks_late", "reject_on_worker_lost"])
def test_a_job_that_could_be_lost_with_its_worker_is_refused(
    app: SimpleNamespace, name: str
) -> None:
    app.tasks["shop.pay"] = type("Pay", (JobTask,), {"name": "shop.pay", name: False})()
    (found,) = checks.check_tasks()
    assert (found.id, found.is_serious()) == ("jobs.E001", True)


def test_eager_tasks_are_named_and_allowed(conf: SimpleNamespace) -> None:
    conf.task_always_eager = True
    (found,) = checks.check_celery()
    assert (found.id, found.is_serious()) == ("jobs.W003", False)


def test_a_missing_storage_for_files_is_named(settings: Any) -> None:
    assert checks.check_storage() == []
    settings.STORAGES = {"default": settings.STORAGES["default"]}
    (found,) = checks.check_storage()
    assert (found.id, found.is_serious()) == ("jobs.W002", False)


def test_queues_by_name_suit(conf: SimpleNamespace) -> None:
    conf.task_queues = {"default": {"exchange": "jobs", "routing_key": "default"}}
    assert checks.check_celery() == []


@pytest.mark.parametrize(
    "command",
    [
        pytest.param((*CELERY, "worker", "--pool", "solo"), id="worker"),
        pytest.param((*CELERY, "beat", "--pidfile="), id="beat"),
        pytest.param(("manage.py", "dispatcher"), id="dispatcher"),
    ],
)
def test_nothing_starts_with_settings_that_lose_jobs(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "losing.py").write_text(LOSING)
    # Beat reads its schedule before it says that it starts.
    database = new_sqlite(tmp_path / "db", {"DJANGO_SETTINGS_MODULE": "config.settings.test"})
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={
            "PYTHONPATH": f"{tmp_path}:{ROOT}",
            "DJANGO_SETTINGS_MODULE": "losing",
            "DATA_DIR": str(tmp_path),
            "DATABASE_URL": database,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode not in {0, None}
    assert "CELERY_RESULT_SERIALIZER must be json" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
