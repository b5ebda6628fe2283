"""What pages ask of runs, on both databases."""

import pytest

from tests.integration.workflows import looking
from tests.stacks import Stack


def test_a_page_is_told_of_all_that_the_engine_recorded(database: Stack) -> None:
    told = database.call(looking.tell_of_a_run)
    assert told["standing"] == "child"
    # The two sides are recorded in any order.
    sides = sorted(told["entries"][1:3], key=lambda entry: str(entry[3]))
    told["entries"][1:3] = [[number, *side[1:]] for number, side in enumerate(sides, 1)]
    assert told["entries"] == [
        [0, "stage", "noted", ""],
        [1, "act", "done", "gather#1.0/"],
        [2, "act", "done", "gather#1.1/"],
        [3, "sleep", "came", ""],
        [4, "change", "noted", ""],
        [5, "act", "done", ""],
        [6, told["entries"][6][1], "noted", ""],
        [7, told["entries"][7][1], "started", ""],
        [None, "result of a run", "waiting", ""],
    ]
    assert told["first"] == ["stage", "act"]
    assert told["lengths"] < 4_100
    assert told["values"] == {"stage": {"password": "********"}}
    assert told["patches"] == ["change"]
    assert told["children"] == ["WAITING"]
    assert told["waits"] == [True]


def test_lists_are_read_along_an_index(database: Stack) -> None:
    indexes = {
        "all": "run_created",
        "state": "run_state_created",
        "workflow": "run_workflow_created",
        "state at any time": "run_state_created",
        "older": "run_created",
    }
    plans = database.call(looking.plans_of_lists)
    for name, index in indexes.items():
        plan = plans[name]
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan
        assert "SCAN workflows_run\n" not in f"{plan}\n", plan
        assert "Sort Method" not in plan
        assert "USE TEMP B-TREE FOR ORDER BY" not in plan.replace("LAST TERM OF ", ""), plan


@pytest.fixture(autouse=True)
def emptied(database: Stack) -> None:
    database.query("DELETE FROM workflows_step")
    database.query("DELETE FROM workflows_wait")
    database.query("DELETE FROM workflows_run")
