"""docker-compose.yml names only what exists, publishes only to loopback, keeps every secret out."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from config.settings.celery import COMMON, QUEUES
from tests.unit.deployment import compose
from tests.unit.deployment.compose import ROOT
from tests.unit.deployment.conftest import Services

STANDINS = {"standin", "payments-standin", "chat-standin"}
#: Read by the images, by Django, Celery and Gunicorn themselves.
IMAGES_READ = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
LIBRARIES_READ = {"DJANGO_SETTINGS_MODULE", "REMAP_SIGTERM", "WEB_CONCURRENCY"}


def test_the_file_follows_the_compose_specification(document: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/unit/deployment/compose-spec.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(yaml.safe_load(compose.FILE.read_text()))
    validator.validate(document)


def test_the_schema_refuses_a_key_that_compose_does_not_know(document: dict[str, Any]) -> None:
    schema = json.loads((ROOT / "tests/unit/deployment/compose-spec.json").read_text())
    service = document["services"]["web"] | {"comand": "x"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"web": service}}, schema)


@pytest.mark.parametrize("name", sorted(compose.SECRETS))
def test_a_missing_secret_is_refused_by_name(name: str) -> None:
    others = {key: value for key, value in compose.SECRETS.items() if key != name}
    for environment in (others, others | {name: ""}):
        done = compose.parse(environment)
        assert done.returncode != 0
        assert f"set {name}" in done.stderr


def test_the_secrets_reach_servers_and_processes(document: dict[str, Any], ours: Services) -> None:
    environment = ours["web"]["environment"]
    assert environment["SECRET_KEY"] == compose.SECRETS["SECRET_KEY"]
    assert f":{compose.SECRETS['POSTGRES_PASSWORD']}@postgres:" in environment["DATABASE_URL"]
    assert f":{compose.SECRETS['RABBITMQ_PASSWORD']}@rabbitmq:" in environment["CELERY_BROKER_URL"]
    user = json.loads(document["configs"]["rabbitmq-user"]["content"])
    assert user["users"][0]["password"] == compose.SECRETS["RABBITMQ_PASSWORD"]


def test_every_process_of_the_platform_has_a_service(ours: Services) -> None:
    assert set(ours) == {
        "migrate", "web", "worker-default", "worker-io", "dispatcher", "beat", "standin",
        "payments-standin", "chat-standin",
    }  # fmt: skip


def test_every_variable_is_one_that_somebody_reads(services: Services, ours: Services) -> None:
    known = compose.read_by_settings() | LIBRARIES_READ
    for service in ours.values():
        assert set(service.get("environment", {})) <= known
    others = (services[name] for name in set(services) - set(ours))
    for service in others:
        assert set(service.get("environment", {})) <= IMAGES_READ


def test_every_published_port_is_on_loopback(services: Services) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 2
    assert all(str(port).startswith("127.0.0.1:") for port in published)
    assert all(service.get("network_mode") != "host" for service in services.values())


def test_every_mounted_file_exists_and_every_volume_is_declared(
    document: dict[str, Any], services: Services
) -> None:
    for service in services.values():
        for mount in service.get("volumes", []):
            source, _, _ = mount.partition(":")
            if source.startswith("."):
                assert (ROOT / source).is_file(), mount
                assert mount.endswith(":ro")
            else:
                assert source in document["volumes"], mount


def test_web_and_workers_share_the_folder_of_the_artifacts(ours: Services) -> None:
    for name in set(ours) - STANDINS:
        assert ours[name]["volumes"] == ["data:/data"], name
        assert ours[name]["environment"]["DATA_DIR"] == "/data", name


def test_every_service_has_a_healthcheck_or_a_reason(services: Services) -> None:
    for name, service in services.items():
        assert bool(service.get("healthcheck")) != bool(service.get("x-no-healthcheck")), name


def test_services_wait_for_healthy_servers_and_the_migrations(ours: Services) -> None:
    for name in set(ours) - {"migrate"} - STANDINS:
        conditions = {key: value["condition"] for key, value in ours[name]["depends_on"].items()}
        assert conditions == {
            "postgres": "service_healthy",
            "rabbitmq": "service_healthy",
            "migrate": "service_completed_successfully",
        }, name


def test_a_stopped_worker_has_the_time_for_its_soft_shutdown(ours: Services) -> None:
    soft: float = COMMON["CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT"]
    for name in ("worker-default", "worker-io"):
        grace = int(ours[name]["stop_grace_period"].removesuffix("s"))
        assert grace >= soft + 10, name
        assert ours[name]["environment"]["REMAP_SIGTERM"] == "SIGQUIT", name


def test_our_containers_can_write_to_their_volume_only(ours: Services) -> None:
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["init"] is True, name


def test_every_queue_has_a_worker(ours: Services) -> None:
    commands = [ours[name]["command"] for name in ("worker-default", "worker-io")]
    consumed = [command[command.index("-Q") + 1] for command in commands]
    assert sorted(consumed) == sorted(QUEUES)


def test_the_stand_ins_listen_where_the_worker_that_asks_them_is(ours: Services) -> None:
    for name in STANDINS:
        assert ours[name]["network_mode"] == "service:worker-io"
        assert ours[name]["profiles"] == ["demo"]
    assert ours["worker-io"]["environment"]["GITHUB_API_URL"] == "https://api.github.com"


@pytest.mark.parametrize("name", ["payments-standin", "chat-standin"])
def test_what_a_stand_in_keeps_outlives_its_container(ours: Services, name: str) -> None:
    service = ours[name]
    assert service["volumes"] == ["data:/data"]
    store = service["command"][service["command"].index("--store") + 1]
    assert store.startswith("/data/")
