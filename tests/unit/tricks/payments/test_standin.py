"""The stand-in by itself: what it refuses, its faults, and that its file outlives it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from celery_uncovered.tricks.payments.standin.server import StandIn
from celery_uncovered.tricks.payments.standin.service import Service
from celery_uncovered.tricks.payments.standin.store import Asked, Store
from tests.servers.session import ROOT

BODY = {"amount": 1250, "currency": "EUR", "reference": "Order 1"}


def post(url: str, key: str = "key-1", **body: Any) -> requests.Response:
    return requests.post(
        f"{url}/charges", json={**BODY, **body}, headers={"Idempotency-Key": key}, timeout=10
    )


def get(url: str, path: str = "/counts") -> Any:
    return requests.get(url + path, timeout=10).json()


@contextmanager
def process(*options: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "celery_uncovered.tricks.payments.standin", *options],
        cwd=ROOT,
        env={name: os.environ[name] for name in ("PATH",)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with started:
        try:
            yield started
        finally:
            started.kill()


def url_of(started: subprocess.Popen[str]) -> str:
    assert started.stdout is not None
    return started.stdout.readline().split()[-1]


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("", {}),
        ("a key", {}),
        ("x" * 256, {}),
        ("k", {"amount": 0}),
        ("k", {"amount": -1}),
        ("k", {"amount": "1250"}),
        ("k", {"amount": True}),
        ("k", {"amount": 12.5}),
        ("k", {"reference": None}),
        ("k", {"card": "0000"}),
    ],
)
def test_a_request_that_cannot_be_charged_is_refused_and_not_counted(
    gateway: StandIn, key: str, body: dict[str, Any]
) -> None:
    assert post(gateway.url, key, **body).status_code == 400
    assert get(gateway.url)["requests"] == 0


def test_the_first_answer_is_201_and_each_later_one_200_with_the_same_charge(
    gateway: StandIn,
) -> None:
    answers = [post(gateway.url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 200]
    assert len({answer.text for answer in answers}) == 1
    assert get(gateway.url, "/charges/key-1") == answers[0].json()
    assert get(gateway.url, "/charges") == [answers[0].json()]
    assert requests.get(f"{gateway.url}/charges/key-2", timeout=5).status_code == 404


def test_requests_for_one_key_at_the_same_moment_make_one_charge(gateway: StandIn) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post(gateway.url), range(64)))
    assert sorted(answer.status_code for answer in answers) == [200] * 63 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert get(gateway.url)["charges"] == 1


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"kind": "earthquake"}], 'Fault "earthquake" is not known; choose one of: 500, '),
        ([{"kind": "500", "times": "3"}], "\"times\" of a rule may not be '3'"),
        ([{"kind": "500", "colour": "red"}], "colour"),
        (7, "no JSON list"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_in_one_sentence(
    gateway: StandIn, rules: object, said: str
) -> None:
    answer = requests.post(f"{gateway.url}/_faults", json=rules, timeout=5)
    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert get(gateway.url, "/_faults") == []


def test_rules_are_used_up_in_their_order_and_cleared(
    gateway: StandIn, spoil: Callable[..., None]
) -> None:
    spoil("500", times=2)
    spoil("503")
    assert [post(gateway.url).status_code for _ in range(4)] == [500, 500, 503, 503]
    requests.delete(f"{gateway.url}/_faults", timeout=5)
    assert post(gateway.url).status_code == 201


def test_a_question_can_be_spoilt_too(gateway: StandIn, spoil: Callable[..., None]) -> None:
    post(gateway.url)
    spoil("500", method="GET", times=1)
    assert requests.get(f"{gateway.url}/charges/key-1", timeout=5).status_code == 500
    assert requests.get(f"{gateway.url}/charges/key-1", timeout=5).status_code == 200


def test_only_loopback_is_served(gateway: StandIn, store: Store) -> None:
    answer = requests.get(f"{gateway.url}/counts", headers={"Host": "bank.example"}, timeout=5)
    assert answer.status_code == 403
    with pytest.raises(ValueError, match=r'Host "0.0.0.0" is not a loopback address'):
        StandIn(Service(store=store), host="0.0.0.0")  # noqa: S104  # this is what the test tries


@pytest.mark.parametrize(("kind", "charges"), [("killed", 0), ("killed-after-charging", 1)])
def test_a_gateway_that_dies_at_a_charge_has_made_it_or_not_and_never_makes_a_second(
    tmp_path: Path, kind: str, charges: int
) -> None:
    options = ("--port", "0", "--store", str(tmp_path / "store.sqlite3"))
    with process(*options) as dying:
        url = url_of(dying)
        requests.post(f"{url}/_faults", json=[{"kind": kind}], timeout=5)
        with pytest.raises(requests.ConnectionError):
            post(url)
        assert dying.wait(timeout=30) == -signal.SIGKILL
    with process(*options) as started:
        url = url_of(started)
        counts = get(url)
        assert (counts["requests"], counts["charges"]) == (1, charges)
        assert post(url).status_code == (200 if charges else 201)
        assert get(url) == {
            "requests": 2, "repeated": 1, "charges": 1, "declined": 0, "amount": 1250,
        }  # fmt: skip


def test_a_charge_is_in_the_file_before_its_answer_leaves(tmp_path: Path) -> None:
    first = Store(tmp_path / "store.sqlite3")
    charge, is_new = first.charge("k", Asked(amount=5, currency="EUR", reference="r"))
    second = Store(tmp_path / "store.sqlite3")
    assert is_new
    assert second.find("k") == charge


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_without_django_and_ends_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    with process("--port", "0", "--store", str(tmp_path / "store.sqlite3")) as started:
        assert post(url_of(started)).status_code == 201
        started.send_signal(number)
        assert started.wait(timeout=30) == 0
        assert started.stderr is not None
        assert started.stderr.read() == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0", "--store", "{}"), "not a loopback address"),  # noqa: S104
        (("--port", "99999", "--store", "{}"), "port"),
        (("--store", "/nowhere/store.sqlite3"), "unable to open"),
    ],
)
def test_a_process_that_cannot_start_says_why_in_one_line(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    store = str(tmp_path / "store.sqlite3")
    with process(*(option.format(store) for option in options)) as started:
        assert started.wait(timeout=10) == 1
        assert started.stderr is not None
        text = started.stderr.read()
    assert text.startswith("The gateway's stand-in cannot start: ")
    assert said in text
    assert text.count("\n") == 1


def test_what_goes_over_the_wire_is_plain_json(gateway: StandIn) -> None:
    answer = post(gateway.url)
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.content)["status"] == "settled"
