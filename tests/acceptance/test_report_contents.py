"""What the file holds: the recorded data's five hundred, as anybody can compute them."""

import pytest

from tests.acceptance.expected import MATCHES, expected_rows, matching, read_back
from tests.acceptance.installation import Installation, on
from tests.stacks import EMBEDDED, SERVERS, SQLITE_RABBITMQ


def test_the_recorded_data_has_the_matches_that_the_scenario_names() -> None:
    assert {period: len(matching(period)) for period in MATCHES} == MATCHES


@on(EMBEDDED)
@pytest.mark.parametrize("group_by", ["topic", "language"])
@pytest.mark.parametrize(("period", "repositories"), [("day", 78), ("week", 500), ("month", 500)])
def test_the_file_equals_an_independent_computation(
    installation: Installation, period: str, repositories: int, group_by: str
) -> None:
    status = installation.report(period, group_by)
    assert status["state"] == "SUCCESS", status["error"]
    result = status["result"]
    assert (result["repositories"], result["total_count"]) == (repositories, MATCHES[period])
    assert (result["ref_date"], result["source"]) == ("2026-05-04", "recorded data")
    rows = read_back(installation.file_of(status))
    assert rows == expected_rows(period, group_by)
    assert len({row[2] for row in rows}) == repositories


@on(EMBEDDED)
def test_two_fresh_runs_give_the_same_bytes(installation: Installation) -> None:
    first = installation.report("month", fresh=True)
    second = installation.report("month", fresh=True)
    assert first["task_id"] != second["task_id"]
    assert installation.file_of(first) == installation.file_of(second)


@on(EMBEDDED)
def test_the_five_pages_are_fetched_at_the_same_time(installation: Installation) -> None:
    installation.spoil({"kind": "slow", "seconds": 3})
    assert installation.report("month", fresh=True)["state"] == "SUCCESS"
    journal = installation.journal
    assert sorted(request["page"] for request in journal["requests"]) == [1, 2, 3, 4, 5]
    assert journal["max_concurrency"] == 5
    last_start = max(request["started"] for request in journal["requests"])
    assert last_start < min(request["ended"] for request in journal["requests"])


@on(SERVERS, SQLITE_RABBITMQ)
def test_the_scenario_holds_with_a_real_broker_too(installation: Installation) -> None:
    status = installation.report("month", "language")
    assert status["result"]["repositories"] == 500, status["error"]
    assert status["progress"] | {"note": ""} == {"done": 5, "total": 5, "note": ""}
    assert read_back(installation.file_of(status)) == expected_rows("month", "language")
