"""Faults on demand, the log of requests, and the process itself."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from celery_uncovered.toyex.standin.server import StandIn
from celery_uncovered.toyex.standin.service import Service

ROOT = Path(__file__).parents[3]
Spoil = Callable[..., None]


def status(url: str, page: int = 1) -> int:
    return requests.get(f"{url}/search/repositories?q=stars:>1&page={page}", timeout=5).status_code


@contextmanager
def process(*options: str) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "celery_uncovered.toyex.standin", *options],
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


def test_a_rule_spoils_its_page_as_often_as_it_says(standin: StandIn, spoil: Spoil) -> None:
    spoil("502", page=3, times=2)
    assert [status(standin.url, page) for page in (1, 3, 2, 3, 3)] == [200, 502, 200, 502, 200]


def test_a_rule_without_page_and_times_spoils_everything_until_it_is_cleared(
    standin: StandIn, spoil: Spoil
) -> None:
    spoil("503")
    assert [status(standin.url, page) for page in (1, 2, 1)] == [503] * 3
    requests.delete(f"{standin.url}/_faults", timeout=5)
    assert status(standin.url) == 200


def test_rules_are_used_in_the_order_they_were_given(standin: StandIn, spoil: Spoil) -> None:
    spoil("500", times=1)
    spoil("401", times=1)
    assert [status(standin.url) for _ in range(3)] == [500, 401, 200]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([{"kind": "earthquake"}], 'Fault "earthquake" is not known; choose one of: 401, '),
        ([{"kind": "500", "page": "3"}], "\"page\" of a rule may not be '3'"),
        ([{"kind": "500", "colour": "red"}], "colour"),
        ([{}], "kind"),
        (7, "no JSON list"),
    ],
)
def test_a_rule_that_cannot_be_read_is_refused_in_one_sentence(
    standin: StandIn, rules: object, said: str
) -> None:
    answer = requests.post(f"{standin.url}/_faults", json=rules, timeout=5)
    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert requests.get(f"{standin.url}/_faults", timeout=5).json() == []


def test_the_log_tells_pages_times_and_headers_but_never_the_token(standin: StandIn) -> None:
    requests.get(
        f"{standin.url}/search/repositories?q=stars:>1&page=4",
        headers={"Authorization": "Bearer very-secret", "X-Mark": "here"},
        timeout=5,
    )
    log = requests.get(f"{standin.url}/_requests", timeout=5)
    [request] = log.json()["requests"]
    assert (request["page"], request["status"], request["is_authorized"]) == (4, 200, True)
    assert request["started"] <= request["ended"]
    assert request["headers"]["X-Mark"] == "here"
    assert "very-secret" not in log.text


def test_the_log_tells_how_many_requests_ran_at_once(
    start_standin: Callable[..., StandIn],
) -> None:
    standin = start_standin(delay=2.0)
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(status, [standin.url] * 5, range(1, 6))) == [200] * 5
    log = requests.get(f"{standin.url}/_requests", timeout=5).json()
    assert log["max_concurrency"] == 5
    assert {request["page"] for request in log["requests"]} == {1, 2, 3, 4, 5}
    empty = {"requests": [], "max_concurrency": 0}
    assert requests.delete(f"{standin.url}/_requests", timeout=5).json() == empty


def test_it_serves_loopback_only() -> None:
    with pytest.raises(ValueError, match=r'Host "0.0.0.0" is not a loopback address'):
        StandIn(Service(items=[]), host="0.0.0.0")  # noqa: S104  # this is what the test tries


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_serves_without_django_and_ends_cleanly(number: signal.Signals) -> None:
    """Also while an answer is still held back."""
    with process("--port", "0", "--delay", "30") as started:
        url = url_of(started)
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(status, url)
            while not requests.get(f"{url}/_requests", timeout=5).json()["requests"]:
                assert not held.done()
            started.send_signal(number)
            assert started.wait(timeout=30) == 0
            assert isinstance(held.exception(timeout=5), requests.ConnectionError)
        assert started.stderr is not None
        assert started.stderr.read() == ""


def test_the_process_starts_with_the_faults_of_a_file_and_with_tight_limits(
    tmp_path: Path,
) -> None:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"kind": "502", "page": 2}]))
    with process("--port", "0", "--tight-limits", "--faults", str(file)) as started:
        url = url_of(started)
        assert status(url, page=2) == 502
        assert [status(url) for _ in range(11)] == [200] * 10 + [403]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "not a loopback address"),  # noqa: S104
        (("--port", "99999"), "port"),
        (("--faults", "/nowhere/faults.json"), "/nowhere/faults.json"),
    ],
)
def test_a_process_that_cannot_start_says_why_in_one_line(
    options: tuple[str, ...], said: str
) -> None:
    with process(*options) as started:
        assert started.wait(timeout=10) == 1
        assert started.stderr is not None
        text = started.stderr.read()
    assert text.startswith("The stand-in cannot start: ")
    assert said in text
    assert text.count("\n") == 1
