"""RabbitMQ's definitions file declares exactly what the application declares by itself."""

import json
from typing import Any

import pytest
from kombu import Exchange, Queue

from config.settings.celery import COMMON, DEAD, JOBS, SAFETY_QUEUES, UNROUTABLE
from tests.unit.deployment import compose
from tests.unit.deployment.compose import ROOT
from tests.unit.deployment.conftest import Services

FOLDER = ROOT / "config/rabbitmq"
QUEUES: list[Queue] = [*COMMON["CELERY_TASK_QUEUES"], *SAFETY_QUEUES]


@pytest.fixture(scope="module")
def definitions() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "definitions.json").read_text())
    return loaded


def named(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in entries}


@pytest.mark.parametrize("exchange", [JOBS, UNROUTABLE, DEAD], ids=lambda exchange: exchange.name)
def test_an_exchange_is_declared_alike(definitions: dict[str, Any], exchange: Exchange) -> None:
    entry = named(definitions["exchanges"])[exchange.name]
    assert entry["type"] == exchange.type
    assert entry["durable"] is exchange.durable
    assert entry["auto_delete"] is exchange.auto_delete
    assert entry["arguments"] == (exchange.arguments or {})


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_queue_is_declared_and_bound_alike(definitions: dict[str, Any], queue: Queue) -> None:
    entry = named(definitions["queues"])[queue.name]
    assert entry["durable"] is queue.durable
    assert entry["auto_delete"] is queue.auto_delete
    assert entry["arguments"] == queue.queue_arguments
    binding = (queue.exchange.name, queue.name, queue.routing_key)
    assert binding in bindings(definitions)


def test_nothing_else_is_declared(definitions: dict[str, Any]) -> None:
    assert set(named(definitions["exchanges"])) == {JOBS.name, UNROUTABLE.name, DEAD.name}
    assert set(named(definitions["queues"])) == {queue.name for queue in QUEUES}
    assert len(definitions["bindings"]) == len(QUEUES)


def test_the_file_holds_no_user(definitions: dict[str, Any]) -> None:
    assert set(definitions) == {"vhosts", "exchanges", "queues", "bindings"}


def test_everything_lies_in_the_vhost_that_the_broker_url_names(
    definitions: dict[str, Any],
) -> None:
    document = compose.parsed()
    vhost = document["services"]["web"]["environment"]["CELERY_BROKER_URL"].rpartition("/")[2]
    assert [entry["name"] for entry in definitions["vhosts"]] == [vhost]
    entries = definitions["exchanges"] + definitions["queues"] + definitions["bindings"]
    assert {entry["vhost"] for entry in entries} == {vhost}
    user = json.loads(document["configs"]["rabbitmq-user"]["content"])
    assert [permission["vhost"] for permission in user["permissions"]] == [vhost]


def test_the_broker_reads_both_files_from_one_folder_in_their_order(services: Services) -> None:
    folder = configuration()["load_definitions"]
    mounts = [mount.split(":")[1] for mount in services["rabbitmq"]["volumes"]]
    topology = next(path for path in mounts if path.startswith(f"{folder}/"))
    (user,) = (config["target"] for config in services["rabbitmq"]["configs"])
    assert user.startswith(f"{folder}/")
    assert topology < user, "The user's permissions name a vhost that must exist by then."


def test_a_job_may_run_longer_than_its_limit_before_the_broker_takes_its_message() -> None:
    milliseconds = int(configuration()["consumer_timeout"])
    assert milliseconds > 2 * 1000 * COMMON["CELERY_TASK_TIME_LIMIT"]


def configuration() -> dict[str, str]:
    lines = (FOLDER / "rabbitmq.conf").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip() for key, _, value in pairs}


def bindings(definitions: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (entry["source"], entry["destination"], entry["routing_key"])
        for entry in definitions["bindings"]
    }
