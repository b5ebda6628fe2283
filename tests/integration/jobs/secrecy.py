"""What the test of the secrets calls in a stack's own process: submitting them, and looking everywhere."""

from typing import Any

from celery import chain, chord, current_app, group
from celery.result import AsyncResult
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import outbox
from tests.support.app import secret_tasks

QUEUES = ("default", "io")


def submit_all(password: str, given: dict[str, Any]) -> dict[str, str]:
    """Jobs with these secrets, submitted in every way; the ids by their names."""
    handle: Any = secret_tasks.handle
    take_over: Any = secret_tasks.take_over
    grouped: Any = group(handle.s(f"group {n}", password, **given) for n in (1, 2)).delay()
    first = handle.s("chain", password, "tell", **given)
    chained: Any = chain(first, take_over.s("chain end", password)).delay()
    parts = [
        handle.s(f"part {n}", password, what, **given) for n, what in ((1, "return"), (2, "tell"))
    ]
    joined: Any = chord(parts, take_over.s("callback", password)).delay()
    failing: Any = chord(
        [handle.s("bad part", password, "raise", **given)], take_over.s("never", password)
    ).delay()
    link, errback = take_over.s("link", password), take_over.s("errback", password)
    many = jobs.submit_many(
        handle, [["many", password], {"user": "many too", "password": password}]
    )
    return {
        "submit": jobs.submit(handle, args=["submit", password], kwargs=given),
        "by name": jobs.submit(handle.name, kwargs={"user": "name", "password": password, **given}),
        "many": many[0],
        "many too": many[1],
        "io": handle.apply_async(["io", password], given, queue="io", link=link).id,
        "header": handle.apply_async(["header", password], headers={"api_key": password}).id,
        "later": handle.apply_async(["later", password], given, countdown=1).id,
        "retry": handle.delay("retry", password, "retry", **given).id,
        "raise": handle.apply_async(["raise", password, "raise"], given, link_error=errback).id,
        "group 1": grouped[0].id,
        "group 2": grouped[1].id,
        "chain": chained.parent.id,
        "chain end": chained.id,
        "part 1": joined.parent[0].id,
        "part 2": joined.parent[1].id,
        "callback": joined.id,
        "bad part": failing.parent[0].id,
        "never": failing.id,
    }


def stored() -> str:
    """Every row of every table, as text; bytes as they are."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608  # names from the database
            found += [f"{table}: {' '.join(map(as_text, row))}" for row in cursor.fetchall()]
    return "\n".join(found)


def as_text(value: Any) -> str:
    if isinstance(value, memoryview):
        value = value.tobytes()
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def messages() -> list[str]:
    """The messages that wait with the broker, which stay there."""
    outbox.publisher().flush(10)
    found = []
    with current_app.connection_for_write() as broker:
        for queue in QUEUES:
            bound = current_app.amqp.queues[queue](broker.default_channel)
            bound.declare()
            taken = []
            while (message := bound.get()) is not None:
                taken.append(message)
                body: Any = message.body
                text = body if isinstance(body, str) else bytes(body).decode()
                found.append(f"{text} {message.headers!r} {message.properties!r}")
            for message in taken:
                message.requeue()
    return found


def pages(task_ids: list[str]) -> str:
    """What an operator is shown of these jobs, in all forms."""
    client = Client(HTTP_HOST="localhost")
    user, _ = get_user_model().objects.get_or_create(
        username="operator", is_staff=True, is_superuser=True
    )
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    addresses = ["/", "/jobs/?parts=1", "/dead-letters/", "/set-aside/"]
    addresses += [f"/jobs/{id_}/{form}" for id_ in task_ids for form in ("", "card/", "status/")]
    found = []
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, f"{address}: {answer.status_code}"
        found.append(f"{address}\n{answer.content.decode()}")
    return "\n".join(found)


def true_result(task_id: str) -> Any:
    """What a program reads."""
    result: Any = AsyncResult(task_id)
    value = result.result
    return repr(value) if isinstance(value, BaseException) else value
