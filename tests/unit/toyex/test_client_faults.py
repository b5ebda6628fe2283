"""The client against every fault of the stand-in, over HTTP."""

import gzip
import json
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from threading import Event

import pytest

from celery_uncovered.toyex.github import (
    BadCredentials,
    BrokenAnswer,
    GitHubError,
    QueryRefused,
    RateLimited,
    Refused,
    SearchClient,
    Temporary,
)
from celery_uncovered.toyex.github.transport import Bounds
from celery_uncovered.toyex.standin.rate_limits import TIGHT, Meter
from celery_uncovered.toyex.standin.server import StandIn
from tests.unit.toyex.examples import raw_server

MONTH = date(2026, 4, 4)
PATIENT = Bounds(connect=10.0, read=20.0, deadline=30.0, size=1_000_000)

Spoil = Callable[..., None]


def fault_of(
    url: str, *, attempt: int = 0, token: str = "", bounds: Bounds = PATIENT
) -> GitHubError:
    with (
        SearchClient(url, token, bounds=bounds) as client,
        pytest.raises(GitHubError) as fault,
    ):
        client.search_page(MONTH, 1, attempt=attempt)
    return fault.value


@pytest.mark.parametrize("status", [403, 429])
def test_retry_after_is_waited_for(standin: StandIn, spoil: Spoil, status: int) -> None:
    spoil(f"{status}-retry-after", seconds=7)
    fault = fault_of(standin.url)
    assert isinstance(fault, RateLimited)
    assert (fault.retry_after, fault.status) == (7, status)


@pytest.mark.parametrize("status", [403, 429])
def test_a_used_up_limit_is_waited_for_until_its_reset(
    standin: StandIn, spoil: Spoil, status: int
) -> None:
    spoil(f"{status}-primary", seconds=20)
    fault = fault_of(standin.url)
    assert isinstance(fault, RateLimited)
    assert 15 < fault.retry_after <= 21
    assert fault.status == status


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_without_retry_after_is_waited_for_longer_each_time(
    standin: StandIn, spoil: Spoil, status: int
) -> None:
    spoil(f"{status}-secondary")
    faults = [fault_of(standin.url, attempt=attempt) for attempt in range(3)]
    assert [fault.args for fault in faults] == [(60, status), (120, status), (240, status)]


def test_the_real_limits_are_met_after_ten_searches(
    start_standin: Callable[..., StandIn],
) -> None:
    standin = start_standin(meter=Meter(TIGHT))
    with SearchClient(standin.url) as client:
        for _ in range(10):
            client.search_page(MONTH, 1)
        with pytest.raises(RateLimited) as fault:
            client.search_page(MONTH, 1)
    assert 0 < fault.value.retry_after <= 61


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_temporary(standin: StandIn, spoil: Spoil, status: int) -> None:
    spoil(str(status), times=1)
    fault = fault_of(standin.url)
    assert type(fault) is Temporary
    assert str(fault) == f"GitHub could not answer for now: it answered {status}."
    with SearchClient(standin.url) as client:
        assert client.search_page(MONTH, 1).total_count == 1573


def test_no_answer_in_time_is_temporary(standin: StandIn, spoil: Spoil) -> None:
    spoil("timeout", seconds=60)
    fault = fault_of(standin.url, bounds=replace(PATIENT, read=0.3))
    assert type(fault) is Temporary
    assert str(fault) == "GitHub could not answer for now: no answer within 0.3 s."


def test_a_connection_closed_without_an_answer_is_temporary(standin: StandIn, spoil: Spoil) -> None:
    spoil("timeout", seconds=0)
    assert str(fault_of(standin.url)) == "GitHub could not answer for now: the connection failed."


def test_a_slow_answer_within_the_time_is_right(standin: StandIn, spoil: Spoil) -> None:
    spoil("slow", seconds=0.2)
    with SearchClient(standin.url) as client:
        started = time.monotonic()
        assert client.search_page(MONTH, 1).total_count == 1573
    assert time.monotonic() - started >= 0.2


def test_nobody_listening_is_temporary() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert type(fault_of(f"http://127.0.0.1:{port}")) is Temporary


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("truncated", "it was cut off"),
        ("not-json", "it is not JSON"),
        ("missing-items", '"items" is missing or of a wrong type'),
    ],
)
def test_a_broken_answer_says_how(standin: StandIn, spoil: Spoil, kind: str, reason: str) -> None:
    spoil(kind)
    fault = fault_of(standin.url)
    assert isinstance(fault, BrokenAnswer)
    assert fault.is_retryable
    assert str(fault) == f"GitHub's answer is broken: {reason}."


def test_a_chunked_answer_that_stops_is_broken() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")

    with raw_server(talk) as url:
        assert fault_of(url).args == ("it was cut off", None)


@pytest.mark.parametrize(("kept", "is_whole"), [(1.0, True), (0.5, False)])
def test_a_compressed_answer_is_read_and_half_of_one_is_broken(
    *, kept: float, is_whole: bool
) -> None:
    """GitHub compresses; nothing but the body itself says that this one lacks its end."""
    whole = {"total_count": 0, "incomplete_results": False, "items": [], "x": "y" * 999}
    packed = gzip.compress(json.dumps(whole).encode())

    def talk(connection: socket.socket) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
        connection.sendall(head + packed[: int(len(packed) * kept)])

    with raw_server(talk) as url:
        if is_whole:
            with SearchClient(url) as client:
                assert client.search_page(MONTH, 1).items == ()
        else:
            assert isinstance(fault_of(url), BrokenAnswer)


def test_an_answer_beyond_the_size_is_left_unread() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            connection.sendall(b" " * 65536)

    with raw_server(talk) as url:
        fault = fault_of(url, bounds=Bounds(size=200_000))
    assert str(fault) == "GitHub's answer is broken: it is larger than 200000 bytes."


def test_the_body_of_a_redirect_is_bounded_too() -> None:
    def talk(connection: socket.socket) -> None:
        head = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n"
        connection.sendall(head + b"Content-Length: 3000000\r\n\r\n" + b" " * 3_000_000)

    with raw_server(talk) as url:
        assert "it is larger than 1000000 bytes" in str(fault_of(url))


def test_an_answer_that_trickles_meets_the_deadline() -> None:
    """Each byte comes within the read time-out, so only the deadline can end it."""
    over = Event()

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
        while not over.wait(0.05):
            connection.sendall(b" ")

    with raw_server(talk) as url:
        started = time.monotonic()
        fault = fault_of(url, bounds=replace(PATIENT, deadline=0.6))
    over.set()
    assert str(fault) == "GitHub could not answer for now: no whole answer within 0.6 s."
    assert time.monotonic() - started < 5


def test_a_wrong_token_is_named_by_its_setting(standin: StandIn) -> None:
    fault = fault_of(standin.url, token="bad")
    assert isinstance(fault, BadCredentials)
    assert str(fault) == "GitHub refused the token (401 Bad credentials); check GITHUB_OAUTH."
    assert not fault.is_retryable


def test_a_refused_query_is_told_in_githubs_words(standin: StandIn, spoil: Spoil) -> None:
    spoil("422")
    fault = fault_of(standin.url)
    assert isinstance(fault, QueryRefused)
    assert str(fault) == (
        "GitHub refused the query (422 Validation Failed: "
        "None of the search qualifiers apply to this search type)."
    )
    assert not fault.is_retryable


def test_the_eleventh_page_of_a_hundred_is_a_refused_query(standin: StandIn) -> None:
    with (
        SearchClient(standin.url) as client,
        pytest.raises(QueryRefused, match="Only the first 1000 search results are available"),
    ):
        client.search_page(MONTH, 11)


def test_a_403_that_is_no_limit_is_refused(standin: StandIn, spoil: Spoil) -> None:
    spoil("403-bad-logins")
    fault = fault_of(standin.url)
    assert isinstance(fault, Refused)
    assert "Maximum number of login attempts exceeded" in str(fault)
    assert not fault.is_retryable


def test_a_refusal_in_html_is_told_in_one_line() -> None:
    def talk(connection: socket.socket) -> None:
        text = b"Request forbidden by administrative rules.\nPlease\x00 make sure\n" + b"x" * 999
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(text)}\r\n\r\n"
        connection.sendall(head.encode() + text)

    with raw_server(talk) as url:
        fault = fault_of(url)
    assert isinstance(fault, Refused)
    assert str(fault).startswith("GitHub refused the request (403 Request forbidden by")
    assert "\n" not in str(fault)
    assert len(str(fault)) < 300


def test_incomplete_results_are_passed_on(standin: StandIn, spoil: Spoil) -> None:
    spoil("incomplete_results", page=1)
    with SearchClient(standin.url) as client:
        assert client.search_page(MONTH, 1).incomplete_results
        assert not client.search_page(MONTH, 2).incomplete_results


def test_a_link_to_another_host_is_not_followed(standin: StandIn, spoil: Spoil) -> None:
    spoil("foreign-link")
    with SearchClient(standin.url) as client:
        assert len(client.search_page(MONTH, 1).items) == 100
        assert len(client.search_page(MONTH, 2).items) == 100
    assert len(standin.service.journal.as_json()["requests"]) == 2


def test_an_empty_page_is_no_fault(standin: StandIn, spoil: Spoil) -> None:
    spoil("empty")
    with SearchClient(standin.url) as client:
        assert client.search_page(MONTH, 1).items == ()
