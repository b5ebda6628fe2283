"""The suite's own servers keep what they confirmed, and only this machine reaches them."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import amqp
import pytest

from tests.servers.postgres import PostgreSQL
from tests.servers.rabbitmq import RabbitMQ

QUORUM = {"x-queue-type": "quorum"}
DEFINITIONS = '{"vhosts": [{"name": "shop"}], "queues": [{"name": "orders", "vhost": "shop", \
"durable": true, "auto_delete": false, "arguments": {"x-queue-type": "quorum"}}]}'


@pytest.fixture
def postgres() -> Iterator[PostgreSQL]:
    server = PostgreSQL.create().start()
    yield server
    server.stop()


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[RabbitMQ]:
    definitions = tmp_path / "definitions.json"
    definitions.write_text(DEFINITIONS)
    server = RabbitMQ.create(definitions).start()
    yield server
    server.stop()


def test_postgres_keeps_a_row_over_kill_and_restart(postgres: PostgreSQL) -> None:
    database = postgres.new_database()
    with postgres.connect(database) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.kill()
    postgres.start()
    with postgres.connect(database) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
    assert listening_addresses(postgres.port) == {"127.0.0.1"}


def test_rabbitmq_keeps_a_confirmed_message_over_kill_and_restart(rabbitmq: RabbitMQ) -> None:
    url = rabbitmq.new_vhost()
    channel = open_channel(rabbitmq, url)
    channel.queue_declare("kept", durable=True, auto_delete=False, arguments=QUORUM)
    message = amqp.Message("message", delivery_mode=2)
    channel.basic_publish_confirm(message, routing_key="kept")
    rabbitmq.kill()
    assert not rabbitmq.answers()
    rabbitmq.start()
    assert open_channel(rabbitmq, url).basic_get("kept").body == "message"
    assert listening_addresses(rabbitmq.port) == {"127.0.0.1"}
    assert listening_addresses(rabbitmq.node_port) == {"127.0.0.1"}
    assert listening_addresses(rabbitmq.epmd_port) <= {"127.0.0.1", "::1"}


def test_rabbitmq_loads_definitions_and_comes_back_from_a_cheap_outage(rabbitmq: RabbitMQ) -> None:
    rabbitmq.stop_app()
    assert not rabbitmq.answers()
    rabbitmq.start_app()
    channel = open_channel(rabbitmq, rabbitmq.url("shop"))
    assert channel.queue_declare("orders", passive=True).message_count == 0


def open_channel(rabbitmq: RabbitMQ, url: str) -> Any:
    connection = amqp.Connection(
        host=f"127.0.0.1:{rabbitmq.port}",
        userid="tests",
        password=rabbitmq.password,
        virtual_host=url.rpartition("/")[2],
        confirm_publish=True,
    )
    connection.connect()
    return connection.channel()


def listening_addresses(port: int) -> set[str]:
    """The local addresses that something listens on (Linux's tables; state 0A is LISTEN)."""
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, _, state = line.split()[1:4]
            address, _, hex_port = local.partition(":")
            if state == "0A" and int(hex_port, 16) == port:
                found.add(socket.inet_ntop(family, host_order(bytes.fromhex(address))))
    return found


def host_order(address: bytes) -> bytes:
    """/proc prints each four bytes as one little-endian number."""
    return b"".join(address[at : at + 4][::-1] for at in range(0, len(address), 4))
