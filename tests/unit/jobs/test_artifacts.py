"""The files of a job: the last attempt's count, and a stale one leaves nothing behind."""

import io
from pathlib import Path

import pytest

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs import settle
from celery_uncovered.jobs.current import RunningAttempt, running
from celery_uncovered.jobs.errors import AttemptFencedError
from celery_uncovered.jobs.models import Artifact
from celery_uncovered.jobs.states import State
from celery_uncovered.jobs.worker import claim
from tests.support.app import tasks
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import run_job, state_of

pytestmark = pytest.mark.usefixtures("ledger")


@pytest.fixture(autouse=True)
def folder(artifact_folder: Path) -> Path:
    return artifact_folder


def files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def claimed(task_id: str, number: int) -> RunningAttempt:
    attempt = claim.claim_job(task_id, attempt=number, task="save")
    assert attempt
    return attempt


def save(attempt: RunningAttempt, text: bytes) -> None:
    with running(attempt):
        jobs.save_artifact("report.txt", io.BytesIO(text))


def test_a_running_job_keeps_its_file(folder: Path) -> None:
    task_id = str(odd_tasks.save.delay("first").id)
    run_job(task_id)
    assert state_of(task_id) == State.SUCCESS
    assert files(folder) == [b"first"]


@pytest.mark.behaviour("J16")
@pytest.mark.parametrize("has_ended", [False, True])
def test_an_attempt_taken_for_dead_does_not_replace_the_file_of_the_next(
    folder: Path,
    has_ended: bool,  # noqa: FBT001
) -> None:
    """Whether the next one still runs or has ended: what it saved is what people get."""
    task_id = str(tasks.add.delay(1, 1).id)
    first = claimed(task_id, 1)
    assert settle.give_back(task_id, attempt=1, reason="The worker died.")
    second = claimed(task_id, 2)
    save(second, b"second")
    if has_ended:
        settle.finish(task_id, settle.Outcome(state=State.SUCCESS), attempt=2)
    with pytest.raises(AttemptFencedError):
        save(first, b"stale")
    with Artifact.objects.get().file.open("rb") as file:
        assert file.read() == b"second"
    assert files(folder) == [b"second"]


def test_an_attempt_taken_for_dead_saves_no_first_file_either(folder: Path) -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    first = claimed(task_id, 1)
    assert settle.give_back(task_id, attempt=1, reason="The worker died.")
    with pytest.raises(AttemptFencedError):
        save(first, b"stale")
    assert not Artifact.objects.exists()
    assert files(folder) == []
