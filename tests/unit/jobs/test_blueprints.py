"""A message that is copied is the one that Celery would have built."""

import uuid
from typing import Any

import pytest
from celery import current_app, signals

from celery_uncovered.jobs import blueprints
from celery_uncovered.jobs.messages import arguments
from celery_uncovered.jobs.models import Job
from tests.support.app import secret_tasks, tasks

pytestmark = pytest.mark.usefixtures("ledger")

ARGUMENTS: list[tuple[Any, Any]] = [
    ((), {}),
    ([1], {}),
    ((1,), {}),
    ((1, 2.5, None, True), {}),
    ([2**200, -1.5e-9], {}),
    (("text",), {}),
    (("it's",), {}),
    (('say "so"',), {}),
    (("back\\slash",), {}),
    (("new\nline",), {}),
    (("Zürich \U0001f600",), {}),
    (("x" * 99,) * 3, {}),
    (("x" * 100,) * 20, {}),
    (("x" * 5000,), {}),
    (([1, [2, {"three": [4]}]],), {}),
    (({"a": 1},), {}),
    ((uuid.UUID(int=7),), {}),
    ((), {"value": 1}),
    ((), {"value": "text", "other": None}),
    ((), {"it's": [1]}),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"queue": "io"},
    {"priority": 3, "ignore_result": True},
    {"time_limit": 9, "soft_time_limit": 8},
    {"routing_key": "io", "exchange": "jobs"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(("args", "kwargs"), ARGUMENTS, ids=lambda value: repr(value)[:30])
def test_a_copy_is_what_celery_builds(
    args: Any, kwargs: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    task: Any = current_app.tasks[tasks.echo.name]
    monkeypatch.setattr(task, "typing", False)
    task_id = str(uuid.uuid4())
    celerys, result = task._built_by_celery(task_id, args, kwargs, dict(options))
    blueprint = task._blueprint("other", [0], {}, dict(options))
    assert blueprint is not None
    copied = blueprint.fill_in(task_id, args, kwargs)
    assert copied == celerys
    assert copied.envelope() == celerys.envelope()
    assert result.ignored == copied.headers["ignore_result"]


def test_a_copy_tells_of_secrets_what_celerys_message_does() -> None:
    """The tokens differ, as they do each time."""
    task: Any = current_app.tasks[secret_tasks.handle.name]
    given = (("bob", "hunter2"), {"api_key": "xyz", "what": "it's"})
    celerys, _ = task._built_by_celery("one", *given, {})
    blueprint = task._blueprint("other", ["ann", "x"], {}, {})
    copied = blueprint.fill_in("one", *given)
    assert copied.headers == celerys.headers
    assert copied.headers["argsrepr"] == "('bob', '********')"
    assert arguments(copied.body) == arguments(celerys.body)


def build_nothing() -> Any:
    raise AssertionError


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"mine": 1}},
        {"link": tasks.add.s(1)},
        {"group_id": "one"},
        {"chord": tasks.add.s(1)},
        {"shadow": "other"},
        {"stamped_headers": ["stamp"], "stamp": 1},
        {"root_id": "root"},
    ],
    ids=str,
)
def test_what_is_said_of_one_message_is_celerys_to_build(options: dict[str, Any]) -> None:
    task: Any = current_app.tasks[tasks.add.name]
    assert blueprints.blueprint_of(task, [1, 2], {}, options, build_nothing) is None


def test_who_listens_to_celerys_signals_hears_of_each_message() -> None:
    heard: list[str] = []

    def listen(headers: Any, **_: Any) -> None:
        heard.append(headers["id"])
        headers["mine"] = len(heard)

    tasks.add.delay(1, 2)
    signals.before_task_publish.connect(listen)
    try:
        ids = [str(tasks.add.delay(1, 2).id) for _ in range(2)]
    finally:
        signals.before_task_publish.disconnect(listen)
    assert heard == ids
    assert '"mine": 2' in Job.objects.get(id=ids[1]).message
    assert '"mine"' not in Job.objects.get(id=tasks.add.delay(1, 2).id).message


def test_a_route_that_is_a_function_sees_each_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_argument(_name: str, args: Any, *_: Any, **__: Any) -> dict[str, str]:
        return {"queue": "io" if args[0] > 1 else "default"}

    monkeypatch.setattr(current_app.amqp.router, "routes", [by_argument])
    queues = [Job.objects.get(id=tasks.add.delay(x, 1).id).queue for x in (1, 2)]
    assert queues == ["default", "io"]


def test_new_routes_count_from_the_next_message_on(monkeypatch: pytest.MonkeyPatch) -> None:
    before = tasks.add.delay(1, 1).id
    monkeypatch.setitem(current_app.conf, "task_routes", {tasks.add.name: {"queue": "io"}})
    current_app.amqp.flush_routes()
    monkeypatch.setattr(current_app.amqp, "router", current_app.amqp.Router())
    after = tasks.add.delay(1, 1).id
    assert [Job.objects.get(id=id_).queue for id_ in (before, after)] == ["default", "io"]
    monkeypatch.undo()
    current_app.amqp.flush_routes()
