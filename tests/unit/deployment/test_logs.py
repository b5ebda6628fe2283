"""No query string reaches a log: a sign-in link's token is in one."""

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from tests.servers.ports import reserve_port
from tests.servers.processes import Process, wait_for
from tests.unit.deployment.compose import ROOT

LOGGERS = ("django.request", "django.server", "django.security.csrf", "django.security.Other")
LOG_EACH = f"""
import logging, django
django.setup()
for name in {LOGGERS}:
    logging.getLogger(name).error('"%s" %s', "GET /sign-in/?token=well-formed HTTP/1.1", 200)
logging.getLogger("celery.worker").error("Why? Because.")
"""


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONUNBUFFERED": "1",
        "DATA_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "config.settings.local",
    }


def test_no_logger_of_requests_prints_a_query_string(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOG_EACH],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [line for line in done.stderr.splitlines() if " ERROR " in line]
    assert len(lines) == len(LOGGERS) + 1, lines
    for name, line in zip(LOGGERS, lines, strict=False):
        assert line.endswith(f'ERROR {name} "GET /sign-in/?... HTTP/1.1" 200')
    assert lines[-1].endswith("Why? Because.")


def test_the_development_server_prints_none(tmp_path: Path) -> None:
    port = reserve_port()
    server = Process(
        "runserver",
        [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
        env=environment(tmp_path),
        log=tmp_path / "runserver.log",
    )
    try:
        wait_for(lambda: answers(port), what="the server answers", details=server.tail)
        wait_for(lambda: "/sign-in/?..." in server.tail(200), what="the log", details=server.tail)
        text = server.tail(200)
    finally:
        server.end()
    assert "well-formed" not in text


def answers(port: int) -> bool:
    address = f"http://127.0.0.1:{port}/sign-in/?token=well-formed"
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
