"""An existing Celery project adopts the platform by the steps of docs/howto/adopt.md."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.shop import Shop
from tests.servers.postgres import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.session import ROOT

HOWTO = ROOT / "docs/howto/adopt.md"
WORKER = ("worker", "-Q", "celery,emails", "--concurrency", "2")

EVERY_KIND = """
from celery import chain, chord, group

results = {
    "delay": tasks.price.delay(3, 4),
    "routed": tasks.mail.delay("hello"),
    "named queue": tasks.mail.apply_async(["again"], queue="emails"),
    "later": tasks.price.apply_async([1, 1], countdown=0.5),
    "retried": tasks.flaky.delay(),
    "group": group(tasks.price.s(n, 2) for n in range(3)).delay(),
    "chord": chord([tasks.price.s(n, 2) for n in range(4)], tasks.total.s()).delay(),
    "chain": chain(tasks.price.s(2, 3), tasks.price.s(10)).delay(),
    "base of its own": tasks.audit.delay(),
}
values = {name: each.get(timeout=60) for name, each in results.items()}
failed = tasks.fail.delay("out of stock")
failed.get(timeout=60, propagate=False)
result = {
    "values": values,
    "failed": [failed.state, repr(failed.result)],
    "ids": {name: each.id for name, each in results.items()},
}
"""
VALUES = {
    "delay": 12,
    "routed": "sent: hello",
    "named queue": "sent: again",
    "later": 1,
    "retried": "try 2",
    "group": [0, 2, 4],
    "chord": 12,
    "chain": 60,
    "base of its own": "audited",
}
ROWS = """
import time

from celery_uncovered.jobs.models import Job
from django_celery_results.models import TaskResult

# Beat submits one more each second.
periodic = Job.objects.filter(task="orders.tasks.clean", state="SUCCESS")
deadline = time.monotonic() + 60
while not periodic.exists() and time.monotonic() < deadline:
    time.sleep(0.1)
others = Job.objects.exclude(task="orders.tasks.clean")
result = {
    "periodic": periodic.exists(),
    "states": sorted(set(others.values_list("state", flat=True))),
    "tasks": sorted({task.rpartition(".")[2] for task in others.values_list("task", flat=True)}),
    "unlike": [
        job.id for job in others if TaskResult.objects.get(task_id=job.id).status != job.state
    ],
}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    postgres, rabbitmq = PostgreSQL.shared(), RabbitMQ.shared()
    database, broker = postgres.new_database(), rabbitmq.new_vhost()
    shop = Shop(
        tmp_path,
        {
            "SHOP_PORT": str(postgres.port),
            "SHOP_DATABASE": database,
            "SHOP_PASSWORD": postgres.password,
            "SHOP_BROKER": broker,
        },
    )
    yield shop
    shop.close()
    postgres.drop_database(database)
    rabbitmq.delete_vhost(broker.rpartition("/")[2])


def test_a_plain_celery_project_adopts_the_platform(shop: Shop) -> None:
    # As it was: django-celery-results, and nothing of ours.
    assert shop.manage("migrate").returncode == 0
    worker = shop.start(*WORKER, ready=" ready.")
    old = shop.shell("each = tasks.price.delay(6, 7)\nresult = [each.get(timeout=60), each.id]")
    assert old[0] == 42
    worker.stop()

    # The three steps, as the guide has them.
    steps = snippets("adopt")
    shop.edit("shop/settings.py", '    "orders",\n', f'    "orders",\n    {steps[0]},\n')
    shop.edit("shop/settings.py", 'CELERY_RESULT_BACKEND = "django-db"', steps[1])
    shop.edit("shop/celery.py", 'Celery("shop")', steps[2])

    # There is one application still, the project's, and its tasks are jobs.
    application = "from celery import current_app\nresult = [current_app.main, tasks.price.is_job]"
    assert shop.shell(application) == ["shop", True]

    # What else it needs is said in a sentence each.
    check = shop.manage("check")
    assert check.returncode == 1, check.stderr
    assert set(re.findall(r"jobs\.[EW]\d+", check.stderr)) == {
        "jobs.E005",
        "jobs.W001",
        "jobs.W002",
    }
    assert "CELERY_BROKER_TRANSPORT_OPTIONS needs confirm_publish" in check.stderr
    assert "orders.tasks.audit" in check.stderr
    with (shop.folder / "shop/settings.py").open("a") as settings:
        settings.write("\n".join(snippets("settings")))
    check = shop.manage("check")
    assert check.returncode == 0, check.stderr
    assert set(re.findall(r"jobs\.[EW]\d+", check.stderr)) == {"jobs.W001"}

    migrated = shop.manage("migrate")
    assert migrated.returncode == 0, migrated.stderr
    shop.start(*WORKER, ready=" ready.")
    shop.start("manage.py", "dispatcher")
    shop.start("beat", "--pidfile=", ready="beat: Starting...")

    done = shop.shell(EVERY_KIND)
    assert done["values"] == VALUES
    assert done["failed"] == ["FAILURE", "ValueError('out of stock')"]
    # A result from before reads as it did.
    before = (
        f"from celery.result import AsyncResult\nresult = AsyncResult({old[1]!r}).get(timeout=5)"
    )
    assert shop.shell(before) == 42
    assert shop.shell(ROWS) == {
        "periodic": True,
        "states": ["FAILURE", "SUCCESS"],
        "tasks": ["audit", "fail", "flaky", "mail", "price", "total"],
        "unlike": [],
    }


def snippets(language_note: str) -> list[str]:
    """The code blocks of the guide that are marked with this word."""
    blocks = re.findall(rf"```python {language_note}\n(.*?)\n```", HOWTO.read_text(), re.DOTALL)
    assert blocks, f"{HOWTO.name} has no block marked {language_note}"
    return blocks
