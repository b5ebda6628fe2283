"""The token goes to the API's host, in one header, and into nothing else."""

import json
import pickle
import socket
import traceback
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import requests

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
from celery_uncovered.toyex.github.errors import OpenAddress, UnusableToken
from celery_uncovered.toyex.github.transport import PlainSession
from celery_uncovered.toyex.standin.server import StandIn
from tests.unit.toyex.examples import raw_server

TOKEN = "ghp_very-secret"
DAY = date(2026, 5, 3)


@pytest.mark.parametrize("open_session", [PlainSession, requests.Session])
def test_a_redirect_is_refused_and_the_other_host_hears_nothing(
    standin: StandIn,
    start_standin: Callable[..., StandIn],
    spoil: Callable[..., None],
    open_session: Callable[[], requests.Session],
) -> None:
    other = start_standin()
    spoil("redirect", location=other.url)
    with (
        SearchClient(standin.url, TOKEN, open_session=open_session) as client,
        pytest.raises(Refused) as fault,
    ):
        client.search_page(DAY, 1)
    assert str(fault.value) == (
        "GitHub refused the request (302 a redirect, which is not followed)."
    )
    assert standin.service.journal.as_json()["requests"][0]["is_authorized"]
    assert other.service.journal.as_json()["requests"] == []


def test_the_environment_neither_diverts_nor_replaces_the_token(
    standin: StandIn,
    start_standin: Callable[..., StandIn],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A proxy variable would show the request to another host, a netrc would send its password."""
    proxy = start_standin()
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with SearchClient(standin.url) as client:
        client.search_page(DAY, 1)
    assert not standin.service.journal.as_json()["requests"][0]["is_authorized"]
    assert proxy.service.journal.as_json()["requests"] == []


@pytest.mark.parametrize("status", ["401 No", "403 No", "422 No", "429 No", "500 No", "200 OK"])
def test_a_server_that_repeats_the_token_does_not_get_it_into_an_error(status: str) -> None:
    def talk(connection: socket.socket) -> None:
        text = json.dumps({"message": "x" * 190 + TOKEN, "items": TOKEN}).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n"
        connection.sendall(head.encode() + text)

    with (
        raw_server(talk) as url,
        SearchClient(url, TOKEN) as client,
        pytest.raises(GitHubError) as fault,
    ):
        client.search_page(DAY, 1)
    assert "ghp_" not in "".join(traceback.format_exception(fault.value))
    assert "ghp_" not in repr(fault.value.args)


def test_a_failed_connection_leaves_no_request_in_the_error(standin: StandIn) -> None:
    """Errors of requests hold the request, whose headers hold the token."""
    url = standin.url
    standin.server_close()
    with SearchClient(url, TOKEN) as client, pytest.raises(Temporary) as fault:
        client.search_page(DAY, 1)
    assert fault.value.__cause__ is None
    assert fault.value.__context__ is None
    assert TOKEN not in repr(client)


@pytest.mark.parametrize(
    "error",
    [
        RateLimited(60.0, 429),
        Temporary("it answered 502", 502),
        BrokenAnswer("it is not JSON"),
        BadCredentials(),
        UnusableToken(),
        OpenAddress(),
        QueryRefused("Validation Failed"),
        Refused("Forbidden", 403),
    ],
)
def test_an_error_survives_pickle_and_json(error: GitHubError) -> None:
    """Celery's result backends rebuild an exception from its class and ``args``."""
    for copy in (
        pickle.loads(pickle.dumps(error)),  # noqa: S301  # our own bytes
        type(error)(*json.loads(json.dumps(error.args))),
    ):
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert vars(copy) == vars(error)
    assert str(error).endswith(".")
