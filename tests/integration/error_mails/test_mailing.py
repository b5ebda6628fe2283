"""Errors of requests and jobs leave as mails, exactly counted, whatever fails on the way."""

import functools
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.integration.error_mails import helpers
from tests.integration.jobs.ledger import Ledger
from tests.servers.relay import Relay
from tests.servers.smtp import MailServer
from tests.stacks import Running, Stack
from tests.support.app import tasks

#: What comes just too late for a round of mails is in the next one, a minute later.
SECONDS = 120

Mailing = Callable[[Stack], Stack]


@pytest.fixture(params=["embedded", "servers"])
def stack(request: pytest.FixtureRequest, new_stack: Callable[..., Stack]) -> Stack:
    """With pages that break."""
    return new_stack(request.param, settings="tests.load.settings")


def break_pages(web: Running, times: int, kinds: int = 1) -> None:
    """Ask for pages that break, four at a time; each is answered with the error page."""

    def ask(number: int) -> None:
        answer = requests.get(f"{web.url}/raise/{number % kinds}/", timeout=30)
        assert answer.status_code == 500
        assert "Something broke" in answer.text

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(times)))


def start_mailing(stack: Stack) -> None:
    stack.start("worker", "-Q", "io,default", "-P", "threads", wait=False)
    stack.start("dispatcher")


def await_total(stack: Stack, server: MailServer, total: int, words: str = "/raise/") -> None:
    """A worker that starts may log errors of its own, of queues that are not there yet."""
    told = functools.partial(server.total, words)
    stack.wait_for(lambda: told() >= total, SECONDS, f"the mails tell of {total} errors")
    assert told() == total


def kept_total(stack: Stack) -> int:
    return sum(stack.call(helpers.kept).values())


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["plain", "preloaded"])
def test_errors_of_pages_are_mailed_by_a_worker_and_none_is_lost_when_the_web_ends(
    stack: Stack, mailing: Mailing, mail_server: MailServer, options: tuple[str, ...]
) -> None:
    web = mailing(stack).start("web", "--workers", "2", *options)
    break_pages(web, 200, kinds=3)
    assert web.stop() == 0
    assert kept_total(stack) == 200
    start_mailing(stack)
    await_total(stack, mail_server, 200)
    assert len(mail_server.of("/raise/")) == 3
    for mail in mail_server.of("/raise/"):
        assert mail.recipients == ("ann@example.org",)
        assert mail.sender == "errors@localhost"
        assert "GET /raise/" in mail.text
        assert "Traceback (most recent call last)" in mail.text


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_failed_jobs_are_mailed_and_retries_are_not(
    stack: Stack, mailing: Mailing, mail_server: MailServer, pool: str
) -> None:
    ledger = Ledger(mailing(stack))
    ids = [ledger.submit(tasks.fail, "out of paper") for _ in range(5)]
    ids.append(ledger.submit(tasks.retry_in_vain))
    ids.append(ledger.submit(tasks.add, 1, 1))
    stack.start("worker", "-Q", "default,io", "-P", pool)
    stack.start("dispatcher")
    for task_id in ids:
        ledger.wait_until_final(task_id)
    await_total(stack, mail_server, 6, "Told by tests.support.app.tasks.")
    [mail] = mail_server.of("RuntimeError: never")
    assert "in retry_in_vain" in mail.text
    mails = mail_server.of("RuntimeError: out of paper")
    assert sum(mail.count() for mail in mails) == 5
    assert f"Told by {tasks.fail.name}, as ERROR." in mails[0].text


def test_a_worker_that_stops_stores_what_its_children_have(stack: Stack, mailing: Mailing) -> None:
    ledger = Ledger(mailing(stack))
    worker = stack.start("worker", "-Q", "default")
    ids = [ledger.submit(tasks.fail, "out of paper") for _ in range(30)]
    for task_id in ids:
        ledger.wait_until_final(task_id)
    worker.stop()
    assert stack.call(helpers.kept)["RuntimeError: out of paper"] == 30


def test_a_job_whose_worker_dies_each_time_is_mailed_once(
    stack: Stack, mailing: Mailing, mail_server: MailServer
) -> None:
    ledger = Ledger(mailing(stack))
    task_id = ledger.submit(tasks.kill_process)
    stack.start("worker", "-Q", "default,io")
    stack.start("dispatcher")
    assert ledger.wait_until_final(task_id).state == "FAILURE"
    await_total(stack, mail_server, 1, "WorkerLostError")
    [mail] = mail_server.of("WorkerLostError")
    assert f"Job {task_id} of {tasks.kill_process.name}" in mail.text


def test_while_the_mail_server_is_away_requests_are_answered_and_the_mail_comes_later(
    stack: Stack, mailing: Mailing, mail_server: MailServer, way_to_mail_server: Relay
) -> None:
    web = mailing(stack).start("web")
    start_mailing(stack)
    way_to_mail_server.shut()
    break_pages(web, 50)
    stack.wait_for(
        functools.partial(stack.query, "SELECT 1 FROM jobs_job WHERE state = 'RETRY'"),
        SECONDS,
        "the job waits for the mail server",
    )
    break_pages(web, 50)
    stack.wait_for(lambda: kept_total(stack) >= 100, SECONDS, "all are kept")
    way_to_mail_server.open()
    await_total(stack, mail_server, 100)
    assert len(mail_server.of("/raise/")) == 1, "nothing was told before, so all is in one mail"
    assert not mail_server.of("mail_error_digests"), "its own failures are no errors"
    [(jobs,)] = stack.query("SELECT count(*) FROM jobs_job")
    assert jobs <= 2, "one job tried all the time; one more may wait for the next round"


def test_a_mail_that_the_server_took_without_saying_so_comes_again_under_its_id(
    stack: Stack, mailing: Mailing, mail_server: MailServer
) -> None:
    web = mailing(stack).start("web")
    mail_server.answers_to_lose = 2
    break_pages(web, 7)
    start_mailing(stack)
    mails = functools.partial(mail_server.of, "/raise/")
    stack.wait_for(lambda: len(mails()) == 3, SECONDS, "the mail came three times")
    assert len({mail.id for mail in mails()}) == 1
    assert len({mail.text for mail in mails()}) == 1
    assert mail_server.total("/raise/") == 7


def test_a_worker_killed_while_it_mails_loses_no_error(
    stack: Stack, mailing: Mailing, mail_server: MailServer, way_to_mail_server: Relay
) -> None:
    web = mailing(stack).start("web")
    stack.start("dispatcher")
    break_pages(web, 60, kinds=6)
    way_to_mail_server.hush()
    worker = stack.start("worker", "-Q", "io", "-P", "threads")
    stack.wait_for(
        functools.partial(stack.query, "SELECT 1 FROM jobs_job WHERE state = 'STARTED'"),
        SECONDS,
        "the job has begun",
    )
    time.sleep(0.2)
    worker.signal(signal.SIGKILL)
    worker.wait()
    way_to_mail_server.open()
    stack.start("worker", "-Q", "io", "-P", "threads", wait=False)
    await_total(stack, mail_server, 60)
