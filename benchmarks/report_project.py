"""The project as `make up` runs it, and a JSON client that presses Generate report."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.servers import session
from tests.stacks import Stack

PERIOD, GROUP_BY = "month", "language"
REPOSITORIES = 500
#: Seconds between two looks at the status, and until the client gives up.
PAUSE, DEADLINE = 0.01, 60.0

_numbers = itertools.count(1)


class ReportFailedError(Exception):
    def __init__(self, status: object) -> None:
        super().__init__(f"The report is not what was asked for: {status}.")


@dataclass(frozen=True, kw_only=True)
class Made:
    """A report; ``clicked`` is before its POST, ``seen`` when the client read SUCCESS."""

    task_id: str
    clicked: float
    seen: float


class Client:
    """A script: the CSRF cookie at first, then POST and poll. No sign-in: it is on loopback."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Accept"] = "application/json"
        self.session.get(f"{url}/", timeout=DEADLINE).raise_for_status()
        self.session.headers["X-CSRFToken"] = self.session.cookies["csrftoken"]

    def make_report(self) -> Made:
        """Raises ReportFailedError."""
        clicked = time.time()
        asked = self.session.post(
            f"{self.url}/reports/hot-repos/",
            json={"period": PERIOD, "group_by": GROUP_BY, "fresh": True},
            timeout=DEADLINE,
        )
        asked.raise_for_status()
        return self.await_success(asked.json(), clicked)

    def await_success(self, asked: dict[str, str], clicked: float) -> Made:
        while True:
            answer = self.session.get(f"{self.url}{asked['status_url']}", timeout=DEADLINE)
            seen = time.time()
            answer.raise_for_status()
            status = answer.json()
            if status["is_final"]:
                break
            if seen > clicked + DEADLINE:
                raise ReportFailedError(status)
            time.sleep(PAUSE)
        if status["state"] != "SUCCESS" or status["result"]["repositories"] != REPOSITORIES:
            raise ReportFailedError(status)
        return Made(task_id=asked["task_id"], clicked=clicked, seen=seen)


@contextlib.contextmanager
def running(name: str, github: str) -> Iterator[tuple[Stack, Client]]:
    """The stack ``name`` with a fresh database and the processes of `make up`, beat apart."""
    stack = Stack(name, new_folder(name), settings="config.settings.local")
    # Named one by one, so that a developer's .env chooses nothing.
    stack.env |= {"GITHUB_API_URL": github, "GITHUB_RECORDED": "true", "GITHUB_OAUTH": ""}
    stack.env |= {"LOG_LEVEL": "WARNING", "WEB_CONCURRENCY": "1"}
    quiet = ["--loglevel", "WARNING"]
    try:
        # Workers are not waited for: the first report, which warms them up, does.
        stack.start("worker", *quiet, "-Q", "default", "--concurrency", "2", wait=False)
        io = ["-Q", "io", "--pool", "threads", "--concurrency", "16"]
        stack.start("worker", *quiet, *io, wait=False)
        stack.start("dispatcher", wait=False)
        web = stack.start("web", "--config", "config/gunicorn.py", "--threads", "8")
        yield stack, Client(web.url)
    except Exception as error:
        error.add_note(stack.logs())
        raise
    finally:
        stack.close()


def new_folder(name: str) -> Path:
    folder = session.folder() / f"{name}-{next(_numbers)}"
    folder.mkdir(mode=0o711)
    return folder
