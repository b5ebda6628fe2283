"""What the tests of the reminders do in the process of a database's stack; each returns what is asserted."""

import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.db import close_old_connections, connections

from celery_uncovered.advex.reminders import receiving
from celery_uncovered.advex.reminders.github import recorded, sign
from celery_uncovered.advex.reminders.models import Delivery, PullRequest
from celery_uncovered.advex.reminders.receiving import Heading
from celery_uncovered.advex.reminders.standin.faults import Rule
from celery_uncovered.advex.reminders.standin.server import StandIn
from celery_uncovered.advex.reminders.standin.service import Service
from celery_uncovered.advex.reminders.standin.store import Store
from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows import testing
from celery_uncovered.workflows.engine import recovery
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.models import Event, Run, Step, Wait
from tests.integration.workflows.cases import dying_before

SECRET = "known to the tests and to GitHub"  # made up
REPO, DAY = recorded.REPO, timedelta(days=1)
EVERYTHING = 10**6


@dataclass(kw_only=True)
class World:
    """A chat, a GitHub, and time that is skipped."""

    chat: StandIn
    time: testing.TimeSkipper = field(default_factory=testing.TimeSkipper)

    def send(self, webhook: str, number: int = 2) -> str:
        """A recorded webhook of this pull request, as of now."""
        chosen = recorded.readdressed(recorded.SENT[webhook], number=number, at=self.time.now)
        return deliver(chosen.body)

    def spoil(self, kind: str, **options: Any) -> None:
        self.chat.service.book.add([Rule(kind=kind, **options)])

    def heal(self) -> None:
        self.chat.service.book.clear()

    def die_before(self, number: int, act: Callable[[], None]) -> None:
        """As ``act``, of a process that dies instead of recording the run's step with this number."""
        with dying_before(number):
            act()
        recovery.let_go_of(testing.JOB)
        self.time.advance()

    def said(self) -> dict[str, list[str]]:
        """By the channels' names without what makes them unique, archived ones with a "(archived)"."""
        store = self.chat.service.store
        return {
            _name(channel): [
                message["text"].partition(":")[0]
                for _, message in reversed(store.messages(channel["id"], limit=EVERYTHING))
            ]
            for _, channel in store.channels(limit=EVERYTHING)
        }


def _name(channel: dict[str, Any]) -> str:
    name, _, suffix = channel["name"].rpartition("-")
    return f"{name} {len(suffix)}" + (" (archived)" if channel["is_archived"] else "")


def deliver(body: bytes, guid: str = "") -> str:
    heading = Heading(
        event="pull_request", guid=guid or str(uuid.uuid4()), signature=sign(body, SECRET)
    )
    return receiving.receive(heading, body).word


@contextmanager
def world() -> Iterator[World]:
    with ExitStack() as ends:
        folder = ends.enter_context(tempfile.TemporaryDirectory())
        store = Store(Path(folder, "chat.sqlite3"))
        ends.callback(store.close)
        chat = ends.enter_context(StandIn(Service(store=store)))
        given = {"GITHUB_WEBHOOK_SECRET": SECRET, "SLACK_API_URL": f"{chat.url}/api"}
        for name, value in given.items():
            ends.enter_context(patch.object(settings, name, value))
        for model in (Event, Wait, Step, Run, Delivery, PullRequest):
            model.objects.all().delete()
        ends.enter_context(patch.object(clock, "ahead", timedelta(0)))
        yield World(chat=chat)


def states() -> list[str]:
    return list(Run.objects.order_by("created_at", "id").values_list("state", flat=True))


def look_after(days: int, *, then: str) -> dict[str, Any]:
    """One pull request, closed or merged after so many days."""
    with world() as here:
        here.send("opened")
        here.time.advance()
        waiting = states()
        here.time.skip(days * DAY + timedelta(hours=1))
        here.send(then)
        here.time.advance()
        return {"waiting": waiting, "said": here.said(), "states": states()}


def reopen_before_the_first_run_has_ended() -> dict[str, Any]:
    """The close and the reopening come while nobody advances runs."""
    with world() as here:
        here.send("opened")
        here.time.advance()
        here.send("closed")
        here.send("reopened")
        here.time.advance()
        between = {"said": here.said(), "states": states()}
        here.time.skip(DAY)
        here.send("merged")
        here.time.advance()
        return {"between": between, "said": here.said(), "states": states()}


def die_after_each_act() -> dict[str, Any]:
    """The process dies when it has acted and not yet recorded so, at each of the run's records."""
    with world() as here:
        here.send("opened")
        # The channel, its value, the link; the reminder; the summary, the archiving.
        for number in (0, 1, 2):
            here.die_before(number, here.time.advance)
        here.die_before(4, lambda: here.time.skip(DAY))
        here.send("closed")
        for number in (6, 7):
            here.die_before(number, here.time.advance)
        steps = Step.objects.order_by("number").values_list("label", flat=True)
        return {"said": here.said(), "states": states(), "steps": list(steps)}


def wait_for_the_chat(*, kind: str, days: int) -> dict[str, Any]:
    """The chat is away for days; nothing is left out, it only comes later."""
    with world() as here:
        here.send("opened")
        here.time.advance()
        here.spoil(kind)
        here.time.skip(days * DAY)
        during = {"said": here.said(), "states": states()}
        here.heal()
        here.time.skip(timedelta(hours=1))
        here.send("closed")
        here.time.advance()
        return {"during": during, "said": here.said(), "states": states()}


def ask_too_often(seconds: float) -> dict[str, Any]:
    with world() as here:
        here.spoil("429", method="conversations.create", times=1, seconds=seconds)
        here.send("opened")
        here.time.advance()
        wait = Wait.objects.get()
        pause = (wait.due_at or datetime.now(UTC)) - clock.now()
        here.time.skip(timedelta(seconds=seconds))
        return {"kind": wait.kind, "pause": pause.total_seconds(), "said": here.said()}


def be_refused() -> dict[str, Any]:
    """What no patience mends ends the run, and an operator may resume it."""
    with world() as here:
        here.send("opened")
        here.spoil("error", code="invalid_auth")
        here.time.advance()
        run = Run.objects.get()
        here.heal()
        workflows.resume(run.id)
        here.time.advance()
        return {"error": run.error, "said": here.said(), "states": states()}


def deliver_at_once(count: int) -> dict[str, Any]:
    """The same delivery by several threads at the same moment; and others, of the same pull request."""
    with world():
        body = recorded.recorded("pull_request.opened").body
        barrier, words = threading.Barrier(count), list[str]()

        def bring(number: int) -> None:
            close_old_connections()
            try:
                barrier.wait(20)
                words.append(deliver(body, f"guid {number % 2}".replace(" ", "-")))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=bring, args=(one,)) for one in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return {"words": sorted(words), "runs": Run.objects.count()}
