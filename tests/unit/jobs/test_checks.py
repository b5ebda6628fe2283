"""Each check passes with the project's settings, and fails on purpose."""

from types import SimpleNamespace
from typing import Any

import pytest
from celery import Task, current_app

from celery_uncovered.jobs import checks

CONF = (
    "task_acks_late",
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
)
AMQP = {"broker_url": "amqp://localhost//"}


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
    assert ids(found) == []


@pytest.mark.parametrize(
    ("number", "spoilt"),
    [
        ("E001", {"task_acks_late": False}),
        ("E002", {"accept_content": ["json", "pickle"]}),
        ("E003", {"task_serializer": "pickle"}),
        ("E003", {"result_serializer": "yaml"}),
        ("E004", {"result_backend": "django-db"}),
        ("E005", AMQP | {"broker_transport_options": {}}),
        ("E005", AMQP | {"broker_transport_options": {"confirm_publish": False}}),
        ("E006", {"task_always_eager": True}),
        ("E007", {"task_time_limit": 1800}),
        ("E008", {"task_ignore_result": True, "task_store_errors_even_if_ignored": False}),
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
