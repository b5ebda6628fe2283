"""A running installation: the stand-ins for GitHub, a payment gateway and a chat, workers for both queues, and a dispatcher."""

import base64
import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from celery_uncovered.toyex.reports import request_report
from tests.acceptance import inside
from tests.stacks import Running, Stack
from tests.support.client import Client
from tests.support.commands import COMMANDS

#: Seconds. Generous: the machine may be busy with other tests.
REPORT_SECONDS = 60
READY_SECONDS = 60
DEFAULT_WORKER = ("-Q", "default")
IO_WORKER = ("-Q", "io", "-P", "threads", "--concurrency", "16")

Status = dict[str, Any]


def on(*stacks: str) -> pytest.MarkDecorator:
    """Run a test on an installation of each of these kinds of stack."""
    return pytest.mark.parametrize("installation", stacks, indirect=True)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a module's installation has beyond the others'."""

    settings: str = "config.settings.test"
    has_web: bool = False
    env: Callable[[Stack], dict[str, str]] = lambda _: {}


class Installation:
    """``default`` is the worker of that queue; ``web`` is where the pages are, if they are."""

    def __init__(self, stack: Stack, options: Options) -> None:
        self.stack = stack
        self.standin = stack.start("standin")
        self.gateway = stack.start("gateway", *self.gateway_store)
        self.chat = stack.start("chat", *self.chat_store)
        stack.env |= {
            "GITHUB_API_URL": self.standin.url,
            "GITHUB_RECORDED": "true",
            "GITHUB_MINIMUM_WAIT": "1",
            "GITHUB_RETRY_SECONDS": "0.2",
            "GITHUB_READ_TIMEOUT": "5",
            "JOBS_OPEN_ON_LOOPBACK": "true",
            "GITHUB_WEBHOOK_SECRET": secrets.token_urlsafe(20),
            "SLACK_API_URL": f"{self.chat.url}/api",
            "SLACK_READ_TIMEOUT": "5",
            "PAYMENTS_GATEWAY_URL": self.gateway.url,
            "PAYMENTS_STANDIN": "true",
            "PAYMENTS_READ_TIMEOUT": "5",
            "PAYMENTS_RETRY_SECONDS": "0.2",
            "PAYMENTS_GRACE_SECONDS": "2",
        } | options.env(stack)
        self.default = stack.start("worker", *DEFAULT_WORKER, wait=False)
        self.io = stack.start("worker", *IO_WORKER, wait=False)
        stack.start("dispatcher")
        self.web = self.start_web() if options.has_web else ""
        for worker in (self.default, self.io):
            self.wait_until_ready(worker)

    def start_web(self) -> str:
        if "STATIC_ROOT" in self.stack.env:
            self.stack.manage("collectstatic", "--no-input")
        return self.stack.start("web", timeout=READY_SECONDS).url

    def wait_until_ready(self, worker: Running) -> None:
        ready = functools.partial(worker.is_ready, COMMANDS["worker"])
        self.stack.wait_for(ready, READY_SECONDS, f"{worker.name} is ready")

    def start_default_worker(self) -> None:
        """As a supervisor does when one has died."""
        self.default = self.stack.start("worker", *DEFAULT_WORKER, timeout=READY_SECONDS)

    # --- reports ---------------------------------------------------------------------------------
    def ask(self, period: str, group_by: str = "topic", **wanted: Any) -> str:
        task_id: str = self.stack.call(request_report, period=period, group_by=group_by, **wanted)
        return task_id

    def report(self, period: str, group_by: str = "topic", **wanted: Any) -> Status:
        """Ask for a report and wait for its end."""
        return self.end_of(self.ask(period, group_by, **wanted))

    def status(self, task_id: str) -> Status:
        status: Status = self.stack.call(inside.status, task_id)
        return status

    def end_of(self, task_id: str, timeout: float = REPORT_SECONDS) -> Status:
        """The job once it has ended; an error with all logs where it hangs."""
        return self.wait_until(task_id, lambda status: status["is_final"], "it has ended", timeout)

    def wait_until(
        self,
        task_id: str,
        condition: Callable[[Status], object],
        what: str,
        timeout: float = REPORT_SECONDS,
    ) -> Status:
        def found() -> Status | None:
            status = self.status(task_id)
            return status if condition(status) else None

        status = self.stack.wait_for(found, timeout, f"job {task_id}: {what}")
        assert status is not None
        return status

    def wait_until_idle(self) -> None:
        """No job hangs, and none of this test meets the next one."""
        unfinished = "SELECT count(*) FROM jobs_job WHERE finished_at IS NULL"
        self.stack.wait_for(
            lambda: self.stack.query(unfinished) == [(0,)], REPORT_SECONDS, "every job has ended"
        )

    def file_of(self, status: Status) -> bytes:
        """The bytes of the job's one file."""
        [name] = [artifact["name"] for artifact in status["artifacts"]]
        return base64.b64decode(self.stack.call(inside.file, status["task_id"], name))

    def report_row(self, task_id: str) -> dict[str, Any]:
        row: dict[str, Any] = self.stack.call(inside.report_row, task_id)
        return row

    def new_client(self) -> Client:
        """A second process that asks."""
        return self.stack.python("another-client")

    # --- what is stored --------------------------------------------------------------------------
    @property
    def stored_files(self) -> set[str]:
        """Everything in the storage of artifacts, whole or half, by its path there."""
        folder = Path(self.stack.env["DATA_DIR"], "artifacts")
        return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    @property
    def known_files(self) -> set[str]:
        return {str(name) for (name,) in self.stack.query("SELECT file FROM jobs_artifact")}

    # --- the stand-in ----------------------------------------------------------------------------
    def spoil(self, *rules: dict[str, Any]) -> None:
        """Have the stand-in behave badly: rules of ``POST /_faults``."""
        requests.post(f"{self.standin.url}/_faults", json=rules, timeout=10).raise_for_status()

    def heal(self) -> None:
        """Forget all rules and requests."""
        for path in ("/_faults", "/_requests"):
            requests.delete(self.standin.url + path, timeout=10).raise_for_status()
        for standin in (self.gateway, self.chat):
            requests.delete(f"{standin.url}/_faults", timeout=10).raise_for_status()

    @property
    def journal(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.standin.url}/_requests", timeout=10).json()
        return found

    def requests_of(self, page: int) -> list[dict[str, Any]]:
        return [request for request in self.journal["requests"] if request["page"] == page]

    # --- the payment gateway ---------------------------------------------------------------------
    @property
    def gateway_store(self) -> tuple[str, str]:
        return "--store", str(Path(self.stack.env["DATA_DIR"], "payments-gateway.sqlite3"))

    def start_gateway_again(self) -> None:
        """Under its old address, as a supervisor does."""
        url = self.gateway.url
        port = url.rpartition(":")[2]
        self.gateway = self.stack.start("gateway", *self.gateway_store, "--port", port, wait=False)
        self.gateway.url = url
        ready = functools.partial(self.gateway.is_ready, COMMANDS["gateway"])
        self.stack.wait_for(ready, READY_SECONDS, "the gateway is back")

    def spoil_gateway(self, *rules: dict[str, Any]) -> None:
        """Have the gateway behave badly: rules of its ``POST /_faults``."""
        requests.post(f"{self.gateway.url}/_faults", json=rules, timeout=10).raise_for_status()

    @property
    def charged(self) -> dict[str, int]:
        """How many requests the gateway has seen, and how many charges it has made."""
        counts: dict[str, int] = requests.get(f"{self.gateway.url}/counts", timeout=10).json()
        return counts

    # --- the chat --------------------------------------------------------------------------------
    @property
    def chat_store(self) -> tuple[str, str]:
        return "--store", str(Path(self.stack.env["DATA_DIR"], "chat.sqlite3"))

    def start_chat_again(self) -> None:
        """Under its old address, as a supervisor does."""
        url = self.chat.url
        port = url.rpartition(":")[2]
        self.chat = self.stack.start("chat", *self.chat_store, "--port", port, wait=False)
        self.chat.url = url
        ready = functools.partial(self.chat.is_ready, COMMANDS["chat"])
        self.stack.wait_for(ready, READY_SECONDS, "the chat is back")

    def spoil_chat(self, *rules: dict[str, Any]) -> None:
        """Have the chat behave badly: rules of its ``POST /_faults``."""
        requests.post(f"{self.chat.url}/_faults", json=rules, timeout=10).raise_for_status()

    def channels_of(self, number: int) -> list[dict[str, Any]]:
        """Those of a pull request of the recorded repository, with their messages."""
        channels = requests.get(f"{self.chat.url}/_channels", timeout=10).json()
        name = f"pr-hello-world-{number}-"
        return [one for one in channels if one["name"].startswith(name)]

    # --- the pages -------------------------------------------------------------------------------
    def page_of(self, task_id: str) -> str:
        """The job's page, as anybody on loopback sees it."""
        answer = requests.get(f"{self.web}/jobs/{task_id}/", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.text
