"""A broker that is away: nobody waits for it, and nothing is lost."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.servers.relay import Relay
from tests.stacks import Stack
from tests.support.app import tasks

SUBMITS = 20
#: A connection that is refused or not answered would cost seconds each time.
SLACK = 0.25
#: Seconds that the end of a process may take longer than with the broker up.
EXIT = 3.5
SUBMIT_AND_END = """
import time
from tests.integration.jobs import helpers
id_ = helpers.submit("tests.support.app.tasks.add", [1, 1])
result = [id_, time.time()]
"""


class Outage:
    """Ways in which the broker of a stack goes away, by name, and the way back."""

    def __init__(self, ways: dict[str, Callable[[], None]], end: Callable[[], None]) -> None:
        self.ways = ways
        self.end = end


@contextlib.contextmanager
def outage_of(stack: Stack) -> Iterator[Outage]:
    if stack.rabbitmq is None:
        yield without_folder(Path(stack.env["DATA_DIR"], "broker"))
        return
    url = urlsplit(stack.env["CELERY_BROKER_URL"])
    with Relay(stack.rabbitmq.port) as relay:
        stack.env["CELERY_BROKER_URL"] = url._replace(
            netloc=f"{url.username}:{url.password}@127.0.0.1:{relay.port}"
        ).geturl()
        yield Outage({"refused": relay.shut, "silent": relay.hush}, relay.open)


def without_folder(folder: Path) -> Outage:
    """The embedded broker with its disk gone: there is a file where its folder was."""
    aside = folder.with_name("aside")

    def begin() -> None:
        folder.rename(aside)
        folder.touch()

    def end() -> None:
        folder.unlink()
        aside.rename(folder)

    return Outage({"no folder": begin}, end)


@pytest.mark.behaviour("J2")
def test_with_the_broker_down_submitting_and_ending_take_no_longer_and_the_jobs_run_later(
    stack: Stack, ledger: Ledger
) -> None:
    with outage_of(stack) as outage:
        assert ledger.messages() == 0
        up = statistics.median(stack.call(helpers.timed_submits, SUBMITS))
        _, usual = submit_and_end(stack)
        stack.wait_for(lambda: ledger.messages() == SUBMITS + 1, what="all are sent")
        for way, begin in outage.ways.items():
            begin()
            down = statistics.median(stack.call(helpers.timed_submits, SUBMITS))
            assert down < 3 * up + SLACK, way
            task_id, seconds = submit_and_end(stack)
            assert seconds < usual + EXIT, way
            job = ledger.job(task_id)
            assert job
            assert (job.state, job.published_at) == ("QUEUED", None), way
            outage.end()
        stack.start("dispatcher")
        stack.start("worker")
        expected = (SUBMITS + 1) * (1 + len(outage.ways))
        stack.wait_for(lambda: succeeded(stack) == expected, 60, "all jobs run")
        assert ledger.count() == expected


def submit_and_end(stack: Stack) -> tuple[str, float]:
    """The id of a job, and the seconds that its process took to end after it had submitted it."""
    task_id, submitted = stack.shell(SUBMIT_AND_END)
    return str(task_id), time.time() - submitted


def succeeded(stack: Stack) -> int:
    return int(stack.query("SELECT count(*) FROM jobs_job WHERE state = 'SUCCESS'")[0][0])


@pytest.mark.behaviour("J2")
def test_a_process_that_ends_at_once_has_sent_what_it_submitted(
    stack: Stack, ledger: Ledger
) -> None:
    """No dispatcher runs here: the process itself sends it, and a child that it forked too."""
    # The queues are there, as they mostly are.
    ledger.wait_until_sent(ledger.submit(tasks.add, 1, 1))
    task_id, _ = stack.shell(SUBMIT_AND_END)
    job = ledger.job(task_id)
    assert job
    assert job.published_at is not None
    forked = stack.call(helpers.submit_in_a_forked_child)
    assert forked["exit"] == 0
    assert ledger.messages() == 2 + len(forked["ids"])
    ledger.submit(tasks.add, 1, 1)
    assert ledger.messages() == 3 + len(forked["ids"])
