"""The chat's stand-in as a process: what it keeps when it dies, and who may not ask."""

import functools
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from celery_uncovered.advex.reminders.chat import Chat, Unavailable
from celery_uncovered.advex.reminders.standin.server import StandIn
from celery_uncovered.advex.reminders.standin.service import Service
from celery_uncovered.advex.reminders.standin.store import Store
from tests.servers.ports import reserve_port
from tests.servers.processes import Process, wait_for

TOKEN = "stand-in"


def start(folder: Path, port: int) -> Process:
    module = "celery_uncovered.advex.reminders.standin"
    store = str(folder / "chat.sqlite3")
    process = Process(
        "chat",
        [sys.executable, "-m", module, "--port", str(port), "--store", store],
        env={"PATH": ""},
        log=folder / "chat.log",
    )
    wait_for(functools.partial(answers, port), 20, what="the stand-in answers")
    return process


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.mark.parametrize("kind", ["killed", "killed-after"])
def test_what_it_has_answered_outlives_it_and_so_does_what_it_has_not(
    tmp_path: Path, kind: str
) -> None:
    port = reserve_port()
    url = f"http://127.0.0.1:{port}"
    process = start(tmp_path, port)
    with Chat(f"{url}/api", TOKEN) as client:
        channel = client.create_channel("pr-1").id
        client.post(channel, "first")
        rule = {"kind": kind, "method": "chat.postMessage", "times": 1}
        requests.post(f"{url}/_faults", json=[rule], timeout=5).raise_for_status()
        with pytest.raises(Unavailable):
            client.post(channel, "second")
    assert process.wait(10) == -signal.SIGKILL
    process.end()
    process = start(tmp_path, port)
    try:
        with Chat(f"{url}/api", TOKEN) as client:
            texts = [message.text for message in client.messages(channel)]
    finally:
        process.end()
    assert texts == (["second", "first"] if kind == "killed-after" else ["first"])


@pytest.mark.parametrize("host", ["0.0.0.0", "example.org"])  # noqa: S104  # refused
def test_it_serves_loopback_alone(store: Store, host: str) -> None:
    with pytest.raises(ValueError, match="not a loopback address"):
        StandIn(Service(store=store), host=host)


def test_a_page_of_the_web_that_names_another_host_gets_nothing(chat: StandIn) -> None:
    answer = requests.get(chat.url, headers={"Host": "evil.example"}, timeout=5)
    assert answer.status_code == 403


def test_a_fault_that_is_not_known_is_refused(chat: StandIn, spoil: Callable[..., None]) -> None:
    for body in (
        '[{"kind": "earthquake"}]',
        '[{"kind": "slow", "seconds": "long"}]',
        "[1]",
        "1",
        "",
    ):
        answer = requests.post(f"{chat.url}/_faults", data=body, timeout=5)
        assert answer.status_code == 422, body
    spoil("slow", method="conversations.list", seconds=0.0)
    assert (
        requests.get(f"{chat.url}/_faults", timeout=5).json()[0]["method"] == "conversations.list"
    )
    requests.delete(f"{chat.url}/_faults", timeout=5)
    assert requests.get(f"{chat.url}/_faults", timeout=5).json() == []


def test_metadata_is_kept_to_those_who_ask_for_it(chat: StandIn, store: Store) -> None:
    store.create("pr-1")
    store.post("C00000001", "hello", {"event_type": "any", "event_payload": {}})
    address = f"{chat.url}/api/conversations.history?channel=C00000001"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    [message] = requests.get(address, headers=headers, timeout=5).json()["messages"]
    assert "metadata" not in message
    [message] = requests.get(
        f"{address}&include_all_metadata=true", headers=headers, timeout=5
    ).json()["messages"]
    assert message["metadata"]["event_type"] == "any"


def test_archived_channels_can_be_left_out(chat: StandIn, store: Store) -> None:
    for name in ("a", "b"):
        store.create(name)
    store.archive("C00000001")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for value, names in (("true", ["b"]), ("false", ["a", "b"])):
        address = f"{chat.url}/api/conversations.list?exclude_archived={value}"
        found = requests.get(address, headers=headers, timeout=5).json()
        assert [one["name"] for one in found["channels"]] == names


def test_metadata_of_another_form_is_refused(chat: StandIn, store: Store) -> None:
    store.create("pr-1")
    for metadata in ({"event_type": "", "event_payload": {}}, {"event_type": "a"}, "text"):
        answer = requests.post(
            f"{chat.url}/api/chat.postMessage",
            json={"channel": "C00000001", "text": "a", "metadata": metadata},
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=5,
        )
        assert answer.json() == {"ok": False, "error": "invalid_metadata_format"}
