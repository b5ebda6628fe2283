"""The commands of docker-compose.yml as processes, on private servers instead of its containers."""

import contextlib
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests

from tests.servers.ports import reserve_port
from tests.servers.postgres import PostgreSQL
from tests.servers.processes import Process, wait_for
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.session import ROOT
from tests.support.commands import BIN
from tests.unit.deployment import compose

STANDIN = "8009"
#: Where the containers' processes listen.
PLACES = re.compile(rf"(?:0\.0\.0\.0|127\.0\.0\.1):8000|\b{STANDIN}\b")
SIGN_IN = """
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.sessions.backends.db import SessionStore
person = get_user_model().objects.create_user("{name}")
session = SessionStore()
session[SESSION_KEY] = str(person.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = person.get_session_auth_hash()
session.create()
print(session.session_key)
"""
DEFINITIONS = ROOT / "config/rabbitmq/definitions.json"


class Deployment:
    """Every service of our image, with its command, environment and health check."""

    def __init__(self, folder: Path, postgres: PostgreSQL, rabbitmq: RabbitMQ) -> None:
        self.folder = folder
        self.database = postgres.url(postgres.new_database())
        self.broker = rabbitmq.url("celery_uncovered")
        self.services: dict[str, dict[str, Any]] = compose.parsed()["services"]
        self.web_port = reserve_port()
        self.standin_port = reserve_port()
        self.processes: dict[str, Process] = {}
        (folder / "data").mkdir()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def run(self, command: list[str], service: str = "web") -> subprocess.CompletedProcess[str]:
        """A command in the environment of a service, to its end."""
        return subprocess.run(
            self.placed(command),
            cwd=ROOT,
            env=self.environment(service),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, service: str) -> Process:
        process = Process(
            service,
            self.placed(self.services[service]["command"]),
            env=self.environment(service),
            log=self.folder / f"{service}.log",
        )
        self.processes[service] = process
        return process

    def wait_until_healthy(self, service: str, seconds: float = 60) -> None:
        """Wait for the service's own health check."""
        wait_for(
            lambda: self.is_healthy(service),
            seconds,
            what=f"{service} is healthy",
            details=self.logs,
            pause=0.5,
        )

    def is_healthy(self, service: str) -> bool:
        process = self.processes[service]
        assert process.is_running, f"{service} ended.\n{process.tail()}"
        kind, *command = self.services[service]["healthcheck"]["test"]
        words = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
        return self.run(words, service).returncode == 0

    def environment(self, service: str) -> dict[str, str]:
        """The service's, with private servers, folders and names instead of the containers'."""
        given = self.services[service].get("environment", {})
        return {name: value for name, value in given.items() if value is not None} | {
            "PATH": f"{BIN}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "HOSTNAME": socket.gethostname(),
            "DJANGO_SETTINGS_MODULE": "config.settings.production",
            "DATABASE_URL": self.database,
            "CELERY_BROKER_URL": self.broker,
            "DATA_DIR": str(self.folder / "data"),
            "STATIC_ROOT": str(self.folder / "static"),
            "EMAIL_URL": "dummymail://",
            "GITHUB_API_URL": f"http://127.0.0.1:{self.standin_port}",
            "GITHUB_RECORDED": "true",
            "LOG_LEVEL": "INFO",
        }

    def placed(self, words: list[str]) -> list[str]:
        """The words with private ports, and on loopback only."""
        web, standin = f"127.0.0.1:{self.web_port}", str(self.standin_port)
        return [
            PLACES.sub(lambda found: standin if found[0] == STANDIN else web, word)
            for word in words
        ]

    def signed_in(self, name: str) -> requests.Session:
        """A browser of a new person ``name``, with a session and a CSRF token; not staff."""
        done = self.run(["python", "manage.py", "shell", "--command", SIGN_IN.format(name=name)])
        assert done.returncode == 0, done.stderr
        browser, token = requests.Session(), secrets.token_hex(16)
        browser.cookies.update({"sessionid": done.stdout.split()[-1], "csrftoken": token})
        browser.headers["X-CSRFToken"] = token
        return browser

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def logs(self) -> str:
        parts = [f"--- {name} ---\n{process.tail()}" for name, process in self.processes.items()]
        return "\n".join(parts)


@contextlib.contextmanager
def deployed(folder: Path) -> Iterator[Deployment]:
    """Private servers, the broker with our definitions loaded; migrated, nothing started yet."""
    postgres = PostgreSQL.shared()
    rabbitmq = RabbitMQ.create(definitions=DEFINITIONS).start()
    deployment = Deployment(folder, postgres, rabbitmq)
    try:
        yield deployment
    finally:
        for process in deployment.processes.values():
            process.end()
        rabbitmq.stop()
        postgres.drop_database(deployment.database.rpartition("/")[2])
