"""Pages that fail for good: the report from the rest, or none."""

import html

import pytest

from tests.acceptance.expected import read_back
from tests.acceptance.installation import Installation, Options, on
from tests.stacks import EMBEDDED, SERVERS


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(has_web=True)


@on(EMBEDDED, SERVERS)
def test_one_page_that_fails_for_good_is_named_and_the_report_is_not_reused(
    installation: Installation,
) -> None:
    installation.spoil({"kind": "500", "page": 3})
    status = installation.report("week", "language")
    assert status["state"] == "SUCCESS", status["error"]
    assert len(installation.requests_of(3)) == 4, "once, and three times again"
    result = status["result"]
    assert (result["complete"], result["missing_pages"], result["repositories"]) == (
        False,
        [3],
        400,
    )
    assert len(read_back(installation.file_of(status))) == 400
    row = installation.report_row(status["task_id"])
    assert (row["is_complete"], row["missing_pages"]) == (False, [3])
    page = installation.page_of(status["task_id"]).lower()
    assert "incomplete" in page
    assert "page 3" in page

    installation.heal()
    again = installation.report("week", "language")
    assert again["task_id"] != status["task_id"]
    assert (again["result"]["complete"], again["result"]["repositories"]) == (True, 500)
    assert installation.ask("week", "language") == again["task_id"]


@on(EMBEDDED)
@pytest.mark.parametrize("kind", ["truncated", "missing-items", "429-secondary"])
def test_a_page_may_fail_for_good_in_other_ways_too(installation: Installation, kind: str) -> None:
    """Limits are waited for more patiently, but not for ever: here that would take too long."""
    times = 1 if kind.startswith("429") else 4
    installation.spoil({"kind": kind, "page": 5, "times": times})
    result = installation.report("week", fresh=True)["result"]
    assert result["missing_pages"] == ([] if times == 1 else [5])


@on(EMBEDDED)
def test_five_failed_pages_end_in_failure_without_a_file(installation: Installation) -> None:
    installation.spoil({"kind": "500"})
    status = installation.report("day", fresh=True)
    assert status["state"] == "FAILURE"
    sentence = (
        "None of the 5 pages could be fetched; GitHub could not answer for now: it answered 500."
    )
    assert status["error"] == sentence
    assert html.escape(sentence) in installation.page_of(status["task_id"])
    assert status["artifacts"] == []
    assert installation.report_row(status["task_id"])["is_complete"] is None
    assert installation.stored_files == installation.known_files
    installation.heal()
    again = installation.report("day")
    assert (again["state"], again["result"]["repositories"]) == ("SUCCESS", 78)
