"""The handler reduces what is logged to plain values, raises nothing, and leaves out what is its own."""

import gc
import logging
import secrets
import subprocess
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Task, current_app
from django.test import RequestFactory
from django.urls import ResolverMatch

from celery_uncovered.error_mails.event import ErrorEvent
from celery_uncovered.error_mails.handler import ErrorMailHandler
from celery_uncovered.error_mails.keeper import Keeper
from celery_uncovered.error_mails.names import MAIL_TASK
from celery_uncovered.error_mails.quiet import quiet
from celery_uncovered.error_mails.reduce import SENTENCE, TRACEBACK
from celery_uncovered.error_mails.secrecy import MASK
from celery_uncovered.jobs.current import RunningAttempt, running
from tests.servers.session import ROOT
from tests.support.app import tasks
from tests.unit.error_mails.help import FakeDesk, fail_here, raised, record_of, soon

log = logging.getLogger("tests.error_mails")


@pytest.fixture(autouse=True)
def handler(keeper: Keeper) -> Iterator[ErrorMailHandler]:
    handler = ErrorMailHandler()
    log.addHandler(handler)
    log.propagate = False
    yield handler
    log.removeHandler(handler)


def kept(keeper: Keeper, desk: FakeDesk) -> list[ErrorEvent | None]:
    assert keeper.flush(10) == 0
    return [tally.event for tally in desk.stored]


def kept_one(keeper: Keeper, desk: FakeDesk) -> ErrorEvent:
    [event] = kept(keeper, desk)
    assert event
    return event


def test_an_error_is_kept_with_its_words_its_place_and_its_traceback(
    keeper: Keeper, desk: FakeDesk
) -> None:
    try:
        fail_here(ValueError("no such order"))
    except ValueError:
        log.exception("Order %s failed", 7)
    event = kept_one(keeper, desk)
    assert event.sentence == "ValueError: no such order (Order 7 failed)"
    assert (event.source, event.level) == ("tests.error_mails", "ERROR")
    assert "error_mails/help.py:" in event.place
    assert event.traceback.startswith("Traceback (most recent call last):\n")
    assert event.traceback.endswith("ValueError: no such order\n")


def test_what_is_below_error_is_not_kept(keeper: Keeper, desk: FakeDesk) -> None:
    log.warning("nearly")
    assert kept(keeper, desk) == []


def test_a_request_is_kept_as_method_path_and_headers_without_what_lets_in(
    keeper: Keeper, desk: FakeDesk
) -> None:
    secret = secrets.token_hex()
    request = RequestFactory().post(
        f"/leave/{secret}/?token={secret}",
        {"password": secret},
        headers={
            "Authorization": f"Bearer {secret}",
            "Cookie": f"sessionid={secret}",
            "X-Api-Key": secret,
            "X-CSRFToken": secret,
            "Referer": f"https://jobs.example.org/sign-in/?token={secret}",
            "User-Agent": "Browser 1.0",
        },
    )
    request.resolver_match = ResolverMatch(print, (), {"token": secret}, route="leave/<str:token>/")
    log.error("Broken: %s", request.path, extra={"request": request, "status_code": 500})
    event = kept_one(keeper, desk)
    assert secret not in repr(event)
    assert event.context.startswith(f"POST /leave/{MASK}/\n")
    assert "User-Agent: Browser 1.0" in event.context
    assert f"Cookie: {MASK}" in event.context
    assert "Referer: https://jobs.example.org/sign-in/?..." in event.context


def test_short_parts_of_a_path_hide_nothing_else(keeper: Keeper, desk: FakeDesk) -> None:
    request = RequestFactory().get("/books/7/")
    request.resolver_match = ResolverMatch(print, (), {"author_key": 7}, route="books/<int:key>/")
    log.error("7 books are lost", extra={"request": request})
    event = kept_one(keeper, desk)
    assert event.sentence == "7 books are lost"
    assert event.context.startswith("GET /books/7/")


def test_nothing_keeps_the_request_or_the_exception_alive(
    keeper: Keeper, desk: FakeDesk, handler: ErrorMailHandler
) -> None:
    class Local:
        pass

    def fail() -> "weakref.ref[Local]":
        local = Local()
        try:
            fail_here(ValueError(local))
        except ValueError as error:
            # Not by the logger: pytest keeps each record.
            handler.handle(record_of(error, request=local))
        return weakref.ref(local)

    local = fail()
    gc.collect()
    assert local() is None
    assert len(kept(keeper, desk)) == 1


def test_long_words_are_cut_in_their_middle(keeper: Keeper, desk: FakeDesk) -> None:
    error = raised(lambda: fail_here(ValueError("begin" + "x" * 1_000_000 + "end")))
    log.error("failed", exc_info=error)
    event = kept_one(keeper, desk)
    assert len(event.sentence) < SENTENCE + 100
    assert len(event.traceback) < TRACEBACK + 100
    assert event.traceback.startswith("Traceback")
    assert event.traceback.endswith("end\n")


def test_a_secret_is_masked_before_the_text_is_cut(keeper: Keeper, desk: FakeDesk) -> None:
    """Where the cut goes through it, half of it would not be known for one."""
    secret = secrets.token_hex(40)
    before = f" password={secret} "
    for left in range(0, len(before), 9):
        keeper._tallies.want_events()
        log.error("%s", "x" * (SENTENCE // 4 - left) + before + "y" * 2000)
        keeper.flush(10)
    assert not [one for one in kept(keeper, desk) if one and secret[:6] in repr(one)]


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "fields",
    [
        {"args": (1, 2, 3)},
        {"args": (Unspeakable(),)},
        {"msg": Unspeakable(), "args": ()},
        {"exc_info": True},
        {"exc_info": (None, None, None)},
        {"exc_info": (ValueError, ValueError(Unspeakable()), None)},
        {"request": object()},
        {"status_code": "none"},
        {"pathname": None, "lineno": None, "funcName": None},
        {"levelname": None, "name": None},
    ],
    ids=lambda spoilt: "-".join(sorted(spoilt)),
)
def test_no_record_makes_it_raise_and_each_counts(
    keeper: Keeper, desk: FakeDesk, handler: ErrorMailHandler, fields: dict[str, Any]
) -> None:
    handler.handle(record_of(**fields))
    kept(keeper, desk)
    assert desk.total == 1


def test_a_filter_that_raises_does_not_reach_the_one_who_logs(
    keeper: Keeper, desk: FakeDesk, handler: ErrorMailHandler
) -> None:
    handler.addFilter(lambda _: fail_here(ValueError()))
    log.error("failed")
    with quiet():
        log.error("its own")
    kept(keeper, desk)
    assert desk.total == 1


def test_answers_below_500_are_the_visitors(keeper: Keeper, desk: FakeDesk) -> None:
    log.error("Invalid HTTP_HOST header", extra={"status_code": 400})
    log.error("Service unavailable", extra={"status_code": 503})
    kept(keeper, desk)
    assert desk.total == 1


def test_what_it_logs_itself_has_no_end_and_is_left_out(keeper: Keeper, desk: FakeDesk) -> None:
    with quiet():
        log.error("its own")
    with running(attempt_of(MAIL_TASK)):
        log.error("of its own job")
    with running(attempt_of(tasks.add.name)):
        log.error("of another job")
    kept(keeper, desk)
    assert desk.total == 1


def attempt_of(task: str) -> RunningAttempt:
    now = datetime.now(UTC)
    return RunningAttempt(task_id="1", number=1, task=task, started_at=now, node="n", pid=1)


@contextmanager
def tracer_without_propagation() -> Iterator[logging.Logger]:
    tracer = logging.getLogger("celery.app.trace")
    handler, tracer.propagate = ErrorMailHandler(), False
    tracer.addHandler(handler)
    try:
        yield tracer
    finally:
        tracer.removeHandler(handler)
        tracer.propagate = True


def test_what_the_tracer_says_of_a_job_is_left_to_the_ledger(
    keeper: Keeper, desk: FakeDesk
) -> None:
    with tracer_without_propagation() as tracer:
        tracer.error("a job", extra={"data": {"name": tasks.fail.name}})
        tracer.error("a task that is no job", extra={"data": {"name": "elsewhere.task"}})
    kept(keeper, desk)
    assert desk.total == 1


def test_what_the_worker_says_of_a_lost_child_is_left_to_the_ledger(
    keeper: Keeper, desk: FakeDesk, handler: ErrorMailHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler.handle(record_of(name="celery.worker.request"))
    monkeypatch.setattr(current_app, "Task", Task)
    handler.handle(record_of(name="celery.worker.request"))
    kept(keeper, desk)
    assert desk.total == 1


def test_a_signals_handler_may_log_while_its_thread_logs(keeper: Keeper, desk: FakeDesk) -> None:
    with keeper._changed:
        log.error("failed")
    kept(keeper, desk)
    assert desk.total == 1


LOAD_NO_MODELS = """
import logging.config, sys
logging.config.dictConfig({
    "version": 1,
    "handlers": {"mails": {"class": "celery_uncovered.error_mails.handler.ErrorMailHandler"}},
    "root": {"handlers": ["mails"]},
})
logging.error("before anything is ready")
names = [name for name in sys.modules if name.endswith(".models")]
loaded = [name for name in names if name not in {"django.db.models", "django.forms.models"}]
print(loaded or "no models")
"""


def test_configuring_logging_loads_no_models_and_an_early_error_does_no_harm() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_NO_MODELS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "no models\n"
    assert done.stderr == "1 error could not be stored before the process ended.\n"


def test_a_storm_reads_no_file_for_each(keeper: Keeper, desk: FakeDesk) -> None:
    """Only the first of a kind is written down; the rest is counted."""
    desk.is_silent.set()
    error = raised(lambda: fail_here(ValueError()))
    log.error("failed", exc_info=error)
    soon(lambda: desk.batches, "the first is being stored")
    for _ in range(1000):
        log.error("failed", exc_info=error)
    desk.is_silent.clear()
    kept(keeper, desk)
    assert [tally.count for tally in desk.stored] == [1, 1000]
