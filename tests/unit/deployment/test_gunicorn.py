"""Gunicorn listens on loopback unless told otherwise, and no request's query enters a log."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.servers.ports import reserve_port
from tests.servers.processes import Process, wait_for
from tests.unit.deployment.compose import ROOT

GUNICORN = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn.py"]
FAILING_APPLICATION = """
def application(environ, start_response):
    raise RuntimeError("no answer")
"""


def configured(**environment: str) -> dict[str, str]:
    """What ``gunicorn --print-config`` says."""
    done = subprocess.run(
        [*GUNICORN, "--print-config", "config.wsgi:application"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.test"}
        | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    lines = (line.partition("=") for line in done.stdout.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def test_it_listens_on_loopback_with_one_process_of_eight_threads() -> None:
    values = configured()
    assert values["bind"] == "['127.0.0.1:8000']"
    assert (values["workers"], values["threads"]) == ("1", "8")
    assert values["worker_class"] == "gthread"


def test_the_environment_chooses_the_port_and_the_processes() -> None:
    values = configured(PORT="9123", WEB_CONCURRENCY="3")
    assert values["bind"] == "['127.0.0.1:9123']"
    assert values["workers"] == "3"


def test_no_token_of_a_sign_in_link_can_enter_the_access_log() -> None:
    """``%(r)s``, ``%(q)s`` and the referrer would carry the query string."""
    values = configured()
    assert values["accesslog"] == "None"
    for name in ("%(r)s", "%(q)s", "%(f)s", "{referer}"):
        assert name not in values["access_log_format"]
    assert "%(U)s" in values["access_log_format"]


def test_no_token_enters_the_error_log_when_a_request_fails(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING_APPLICATION)
    port = reserve_port()
    server = Process(
        "gunicorn",
        [*GUNICORN, "--pythonpath", tmp_path, "failing:application"],
        env={"PATH": os.environ["PATH"], "PORT": str(port)},
        log=tmp_path / "gunicorn.log",
    )
    try:
        wait_for(
            lambda: answers(port, "/sign-in/?sesame=well-formed HTTP/1.1"),
            what="gunicorn answers",
            details=server.tail,
        )
        assert answers(port, "/sign-in/?sesame=malformed HTTP/9.9.9")
        text = server.tail(200)
    finally:
        server.end()
    assert "RuntimeError: no answer" in text
    assert "Invalid request" in text
    assert "/sign-in/?..." in text
    assert "formed" not in text


def answers(port: int, rest: str) -> bool:
    """Whether anything at all comes back; ``rest`` is the request line after the method."""
    address = ("127.0.0.1", port)
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, timeout=5) as connection,
    ):
        connection.sendall(f"GET {rest}\r\nHost: localhost\r\n\r\n".encode())
        return bool(connection.recv(1))
    return False
