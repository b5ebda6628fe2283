"""What docker-compose.yml runs, run: on a broker that has loaded our definitions file."""

import csv
import io
import signal
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.integration.deployment.deployed import Deployment, deployed
from tests.servers.processes import wait_for

#: Ours, in the order in which compose starts them; migrate runs before, to its end.
SERVICES = ("standin", "worker-default", "worker-io", "dispatcher", "beat", "web")
#: A task that Celery itself brings, so that this needs no example app.
SCHEDULE_A_TASK = """
from django_celery_beat.models import IntervalSchedule, PeriodicTask
every, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
PeriodicTask.objects.create(name="often", task="celery.accumulate", args="[1]", queue="io", interval=every)
"""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything that compose starts; the workers and the stand-in healthy by their own checks."""
    with deployed(tmp_path_factory.mktemp("deployed")) as made:
        migrated = made.run(made.services["migrate"]["command"], "migrate")
        assert migrated.returncode == 0, migrated.stderr
        collected = made.run(["python", "manage.py", "collectstatic", "--no-input"])
        assert collected.returncode == 0, collected.stderr
        for name in SERVICES:
            made.start(name)
        for name in SERVICES:
            if "healthcheck" in made.services[name] and name != "web":
                made.wait_until_healthy(name)
        yield made


def test_every_command_stays_up(deployment: Deployment) -> None:
    wait_for(
        lambda: deployment.query("SELECT role FROM jobs_leader WHERE role = 'dispatcher'"),
        what="the dispatcher leads",
        details=deployment.logs,
    )
    ended = [name for name, process in deployment.processes.items() if not process.is_running]
    assert not ended, deployment.logs()


def test_the_workers_answer_by_the_names_that_compose_asks_for(deployment: Deployment) -> None:
    host = socket.gethostname()
    names = f"default@{host},io@{host}"
    ping = ["inspect", "ping", "--json", "--timeout", "20", "--destination", names]
    done = deployment.run(["celery", "-A", "celery_uncovered", *ping])
    assert done.returncode == 0, done.stderr
    assert '"default@' in done.stdout
    assert '"io@' in done.stdout


def test_a_scheduled_task_goes_from_beat_through_the_broker_to_the_worker_of_its_queue(
    deployment: Deployment,
) -> None:
    done = deployment.run(["python", "manage.py", "shell", "--command", SCHEDULE_A_TASK])
    assert done.returncode == 0, done.stderr
    succeeded = "SELECT queue FROM jobs_job WHERE state = 'SUCCESS'"
    wait_for(
        lambda: ("io",) in deployment.query(succeeded),
        60,
        what="a scheduled job of the queue io succeeds",
        details=deployment.logs,
    )


def test_the_web_process_is_healthy(deployment: Deployment) -> None:
    deployment.wait_until_healthy("web", 30)


def test_the_web_process_serves_the_collected_assets(deployment: Deployment) -> None:
    asset = requests.get(f"{deployment.url}/static/admin/css/base.css", timeout=10)
    assert asset.status_code == 200


def test_a_report_is_asked_for_watched_and_downloaded_over_http(deployment: Deployment) -> None:
    """As a signed-in JSON client does it, on production settings; a stranger finds nothing."""
    client = deployment.signed_in("reporter")
    asked = client.post(
        f"{deployment.url}/reports/hot-repos/",
        json={"period": "week", "group_by": "language"},
        headers={"Accept": "application/json"},
        timeout=20,
    )
    assert asked.status_code == 202, asked.text
    answer = asked.json()

    def ended() -> dict[str, Any] | None:
        status = client.get(deployment.url + answer["status_url"], timeout=20).json()
        return status if status["is_final"] else None

    status = wait_for(ended, 60, what="the report ends", details=deployment.logs) or {}
    assert status["state"] == "SUCCESS", status["error"]
    [artifact] = status["artifacts"]
    file = client.get(deployment.url + artifact["url"], timeout=20)
    lines = csv.DictReader(io.StringIO(file.content.decode(), newline=""))
    assert len({line["full_name"] for line in lines}) == 500

    stranger = deployment.signed_in("stranger")
    for address in (answer["status_url"], answer["page_url"], artifact["url"]):
        assert stranger.get(deployment.url + address, timeout=20).status_code == 404


def test_every_process_ends_within_the_grace_that_compose_gives_it(deployment: Deployment) -> None:
    """Last, since nothing is left afterwards; with the signal that a stopped container gets."""
    graces = {
        name: int(deployment.services[name].get("stop_grace_period", "10s").removesuffix("s"))
        for name in deployment.processes
    }
    for process in deployment.processes.values():
        process.signal(signal.SIGTERM)
    for name, process in deployment.processes.items():
        process.wait(graces[name])
