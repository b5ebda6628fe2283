"""SIGKILL for the worker in the middle of a report: a new worker, and the file is there, once."""

from collections.abc import Iterator

import pytest

from tests.acceptance.expected import expected_rows, read_back
from tests.acceptance.installation import Installation, Options, Status, on
from tests.acceptance.stalls import Stalls
from tests.servers.processes import started
from tests.stacks import EMBEDDED, SERVERS


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(settings="tests.acceptance.stalling_settings")


@pytest.fixture
def stalls(installation: Installation) -> Iterator[Stalls]:
    stalls = Stalls(installation.stack.env["DATA_DIR"])
    yield stalls
    stalls.let_go()


@on(EMBEDDED, SERVERS)
def test_killed_while_the_pages_are_fetched(installation: Installation) -> None:
    installation.spoil({"kind": "slow", "seconds": 1.5})
    task_id = installation.ask("month", fresh=True)
    installation.stack.wait_for(
        lambda: len(installation.journal["requests"]) == 5, 30, "five pages are being fetched"
    )
    installation.default.kill()
    installation.start_default_worker()
    assert_report_is_there(installation, installation.end_of(task_id))


@on(EMBEDDED, SERVERS)
@pytest.mark.parametrize("place", ["produce_hot_repo_report_task", "build_report_task", "storage"])
def test_killed_in_the_middle_of_a_task(
    installation: Installation, stalls: Stalls, place: str
) -> None:
    stalls.hold(place)
    task_id = installation.ask("month", fresh=True)
    child = wait_for_child(installation, stalls, place)
    installation.default.kill()
    installation.stack.wait_for(lambda: not started(child), 30, "its child is gone too")
    stalls.let_go()
    installation.start_default_worker()
    status = installation.end_of(task_id)
    assert_report_is_there(installation, status)
    lost = "SELECT count(*) FROM jobs_attempt WHERE job_id = %s AND outcome = 'LOST'"
    assert installation.stack.query(lost, [task_id]) == [(1,)], "the kill came too late"


def wait_for_child(installation: Installation, stalls: Stalls, place: str) -> int:
    child = installation.stack.wait_for(
        lambda: stalls.reached_by(place), 30, f"a worker is at {place}"
    )
    assert child in installation.default.children()
    return child


def assert_report_is_there(installation: Installation, status: Status) -> None:
    """The whole file, once."""
    assert (status["state"], status["error"]) == ("SUCCESS", "")
    assert status["result"]["complete"]
    assert read_back(installation.file_of(status)) == expected_rows("month", "topic")
    reports = "SELECT count(*) FROM toyex_report WHERE task_id = %s"
    assert installation.stack.query(reports, [status["task_id"]]) == [(1,)]
    files = "SELECT file FROM jobs_artifact WHERE job_id = %s"
    assert len(installation.stack.query(files, [status["task_id"]])) == 1
    assert installation.known_files <= installation.stored_files
