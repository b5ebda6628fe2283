"""A private RabbitMQ on loopback, with an epmd of its own."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.servers import session
from tests.servers.missing import missing, newest
from tests.servers.ports import reserve_port
from tests.servers.processes import Process, wait_for

SCRIPT = "rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"
CONFIG = """
listeners.tcp.1 = 127.0.0.1:{port}
definitions.import_backend = local_filesystem
definitions.local.path = {folder}/definitions.json
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
log.file.level = warning
"""
#: What a client says first; the server answers with Connection.Start, a method frame (type 1).
AMQP_HEADER = b"AMQP\x00\x00\x09\x01"


@dataclass(kw_only=True)
class RabbitMQ:
    """``create().start()`` one, or use the session's ``shared()``.

    ``definitions``: a definitions file to load (the format of ``rabbitmqctl
    export_definitions``); the user "tests" is added to it, with all permissions on its vhosts.
    """

    folder: Path
    port: int
    node_port: int
    epmd_port: int
    password: str
    definitions: Path | None = None
    process: Process | None = field(default=None, repr=False)
    epmd: Process | None = field(default=None, repr=False)

    @classmethod
    def create(cls, definitions: Path | None = None) -> Self:
        server = cls(
            folder=Path(tempfile.mkdtemp(prefix="mq-", dir=session.folder())),
            port=reserve_port(),
            node_port=reserve_port(),
            epmd_port=reserve_port(),
            password=secrets.token_hex(8),
            definitions=definitions,
        )
        server.write_configuration()
        return server

    @classmethod
    def shared(cls) -> Self:
        """The session's one instance, started by whoever asks first."""
        values = session.once("rabbitmq", lambda: cls.create().start().address())
        return cls(**values | {"folder": Path(values["folder"])})

    def address(self) -> dict[str, Any]:
        names = ("port", "node_port", "epmd_port", "password")
        return {"folder": str(self.folder)} | {name: getattr(self, name) for name in names}

    def write_configuration(self) -> None:
        text = CONFIG.format(port=self.port, folder=self.folder)
        (self.folder / "rabbitmq.conf").write_text(text)
        (self.folder / "enabled_plugins").write_text("[].")
        cookie = self.folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16).upper())
        cookie.chmod(0o400)
        definitions = json.loads(self.definitions.read_text()) if self.definitions else {}
        everything = definitions_for_tests(definitions, self.password)
        (self.folder / "definitions.json").write_text(json.dumps(everything))

    @property
    def node(self) -> str:
        return f"tests{self.port}@localhost"

    def environment(self) -> dict[str, str]:
        paths = {
            "MNESIA_BASE": "mnesia",
            "LOG_BASE": "log",
            "LOGS": "log/rabbit.log",
            "CONFIG_FILE": "rabbitmq.conf",
            "ENABLED_PLUGINS_FILE": "enabled_plugins",
            "PID_FILE": "pid",
        }
        return {f"RABBITMQ_{key}": str(self.folder / path) for key, path in paths.items()} | {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2:2"
            ),
        }

    def start(self) -> Self:
        script = newest(SCRIPT, "RabbitMQ")
        if not (self.epmd and self.epmd.is_running):
            self.epmd = self.spawn(
                "epmd", shutil.which("epmd") or missing("epmd"), "-relaxed_command_check"
            )
        self.process = self.spawn("rabbitmq", script)
        self.wait_until_ready()
        return self

    def spawn(self, name: str, *command: str | Path) -> Process:
        # SIGKILL to end it: nobody needs what it holds, and a tidy stop takes seconds.
        return Process(
            name,
            command,
            env=self.environment(),
            log=self.folder / f"{name}.log",
            cwd=self.folder,
            end_signal=signal.SIGKILL,
        )

    def wait_until_ready(self) -> None:
        wait_for(
            lambda: self.answers() or self.has_ended(),
            90,
            what="RabbitMQ answers",
            details=self.tail,
        )
        assert not self.has_ended(), self.tail()
        # It listens a moment before it has booted; stopped in between, it would not start again.
        self.evaluate("rabbit:await_startup().")

    def has_ended(self) -> bool:
        return bool(self.process and not self.process.is_running)

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(AMQP_HEADER)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def stop(self) -> None:
        """End the server and its epmd; what was confirmed is on disk."""
        if self.process:
            self.process.end()
        if self.epmd:
            self.epmd.end()

    def kill(self) -> None:
        """SIGKILL the server.

        Ra writes the names of quorum queues every half second, and RabbitMQ 3.10 never recovers
        a queue that a crash hits earlier. That is not what our tests are about, so write them.
        """
        assert self.process, "Only the process that started this server may kill it."
        if self.process.is_running:
            self.evaluate("[dets:sync(Table) || Table <- dets:all()].")
        self.process.end()

    def restart(self) -> None:
        """SIGKILL and start: about five seconds."""
        self.kill()
        self.start()

    def stop_app(self) -> None:
        """The cheap outage: connections are closed and refused until ``start_app``."""
        self.evaluate("rabbit:stop().")

    def start_app(self) -> None:
        wait_for(self.try_to_start_app, 60, what="RabbitMQ is back", details=self.tail)

    def try_to_start_app(self) -> bool:
        # A start that meets the end of an earlier one says ok and starts nothing.
        self.evaluate("rabbit:start().")
        return self.answers()

    def new_vhost(self) -> str:
        """The URL of a fresh vhost."""
        name = f"tests-{secrets.token_hex(6)}"
        self.evaluate(
            f'rabbit_vhost:add(<<"{name}">>, <<"tests">>), '
            "rabbit_auth_backend_internal:set_permissions("
            f'<<"tests">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"tests">>).'
        )
        return self.url(name)

    def delete_vhost(self, name: str) -> None:
        self.evaluate(f'rabbit_vhost:delete(<<"{name}">>, <<"tests">>).')

    def url(self, vhost: str) -> str:
        quoted = "%2F" if vhost == "/" else vhost
        return f"amqp://tests:{self.password}@127.0.0.1:{self.port}/{quoted}"

    def evaluate(self, expression: str) -> str:
        """Run Erlang in the node: what rabbitmqctl does, without its second of start-up."""
        # Two callers that connect at the same moment may refuse each other.
        answer = wait_for(lambda: self.answer_to(expression), 20, what="the node takes a call")
        assert answer.startswith("{ok") and "error" not in answer, answer  # noqa: PT018 - one idea
        return answer

    def answer_to(self, expression: str) -> str:
        """What the node printed; empty if it could not be reached."""
        cookie = (self.folder / ".erlang.cookie").read_text()
        done = subprocess.run(
            ["erl_call", "-e", "-address", f"127.0.0.1:{self.node_port}", "-c", cookie],
            input=f"{expression}\n",
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return "" if "failed to connect" in done.stderr + done.stdout else done.stdout + done.stderr

    def tail(self) -> str:
        logs = [self.folder / "log/rabbit.log", self.folder / "rabbitmq.log"]
        return "\n".join(log.read_text(errors="replace")[-3000:] for log in logs if log.exists())


def definitions_for_tests(definitions: dict[str, Any], password: str) -> dict[str, Any]:
    """``definitions`` with a vhost at least, and the user "tests" allowed everything in each."""
    vhosts = definitions.get("vhosts") or [{"name": "/"}]
    user = {"name": "tests", "password": password, "tags": ["administrator"]}
    allowed = {"user": "tests", "configure": ".*", "write": ".*", "read": ".*"}
    return definitions | {
        "vhosts": vhosts,
        "users": [*definitions.get("users", []), user],
        "permissions": [
            *definitions.get("permissions", []),
            *({"vhost": vhost["name"]} | allowed for vhost in vhosts),
        ],
    }
