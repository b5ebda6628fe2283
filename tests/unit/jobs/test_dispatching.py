"""How the dispatcher does: told by its row, to people and to those who watch."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from celery_uncovered.jobs import dispatching, sender
from celery_uncovered.jobs.leadership import Candidate
from celery_uncovered.jobs.models import Job, Leader
from celery_uncovered.jobs.states import State
from tests.support.app import tasks

pytestmark = pytest.mark.usefixtures("ledger")


@pytest.fixture
def leader() -> str:
    Candidate(role=dispatching.ROLE, holder="one", seconds=20).lead()
    return "one"


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def test_where_none_ever_ran_it_says_so() -> None:
    found = dispatching.dispatching()
    assert not found.is_well
    assert found.sentence.startswith("No dispatcher runs: ")


def test_one_that_acts_and_is_not_late_is_well(leader: str) -> None:
    assert dispatching.note_lag(leader) == 0
    found = dispatching.dispatching()
    assert (found.is_well, found.holder) == (True, "one")
    assert found.sentence == "The dispatcher acts; it was 0.0 s late."


@pytest.mark.parametrize(
    ("state", "late"), [(State.SCHEDULED, 100), (State.RETRY, 100), (State.QUEUED, 98)]
)
def test_the_oldest_job_that_waits_for_it_tells_how_late_it_is(
    leader: str, state: State, late: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatching, "most_ahead", lambda: None)
    for seconds in (100, 50):
        task_id = str(tasks.add.apply_async((1, 1), countdown=60).id)
        Job.objects.filter(id=task_id).update(
            state=state, due_at=ago(seconds), queued_at=ago(seconds)
        )
    assert dispatching.note_lag(leader) == pytest.approx(late, abs=1)
    found = dispatching.dispatching()
    assert not found.is_well
    assert found.sentence in {f"The dispatcher is {late + more} s late." for more in (0, 1)}


def test_what_the_broker_has_no_room_for_does_not_make_it_late(leader: str) -> None:
    assert sender.most_ahead() is not None
    Job.objects.filter(id=tasks.add.delay(1, 1).id).update(queued_at=ago(100))
    assert dispatching.note_lag(leader) == 0


def test_one_that_is_silent_or_lost_its_lead_is_not_well(leader: str) -> None:
    dispatching.note_lag(leader)
    Leader.objects.update(acted_at=ago(60))
    sentence = dispatching.dispatching().sentence
    assert re.fullmatch(r"The dispatcher has not acted for 6\d s\.", sentence)
    Leader.objects.update(acted_at=ago(1), expires_at=ago(1))
    assert dispatching.dispatching().sentence.startswith("No dispatcher runs: ")


def test_only_the_one_that_leads_notes_anything(leader: str) -> None:
    dispatching.note_lag("another")
    assert Leader.objects.get().acted_at is None


def test_the_command_ends_with_1_where_it_is_not_well(
    leader: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        call_command("dispatcher", "--status")
    dispatching.note_lag(leader)
    call_command("dispatcher", "--status")
    assert capsys.readouterr().out.splitlines()[-1] == "The dispatcher acts; it was 0.0 s late."
