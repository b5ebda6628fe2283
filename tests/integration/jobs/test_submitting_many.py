"""Thousands of jobs by one call: all or none, in order, and sent whatever their number."""

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import EMBEDDED, Stack

#: More than the embedded broker should hold, and than a process sends of one submission.
MANY = {EMBEDDED: 1500, "servers": 21_000}
AHEAD = {EMBEDDED: 1000, "servers": 21_000}
PUBLISHED = "SELECT count(*) FROM jobs_job WHERE published_at IS NOT NULL"


@pytest.mark.behaviour("J1")
def test_many_jobs_are_accepted_together_and_all_are_sent(stack: Stack, ledger: Ledger) -> None:
    count = MANY[stack.name]
    stack.call(helpers.submit_many, 100, roll_back=True)
    assert ledger.count() == 0
    assert ledger.messages() == 0

    ids = stack.call(helpers.submit_many, count)
    assert len(set(ids)) == ledger.count() == count
    first, last = (
        stack.query("SELECT body FROM jobs_job WHERE id = %s", [id_])[0][0]
        for id_ in (ids[0], ids[-1])
    )
    assert first.startswith("[[0], ")
    assert last.startswith(f"[[{count - 1}], ")
    stack.start("dispatcher")
    stack.wait_for(lambda: published(stack) == AHEAD[stack.name], 60, "what may be sent is sent")
    if stack.name == EMBEDDED:
        assert ledger.messages() == AHEAD[stack.name]


def test_what_the_embedded_broker_has_no_room_for_runs_when_it_has(embedded_stack: Stack) -> None:
    ledger = Ledger(embedded_stack)
    count = MANY[EMBEDDED]
    embedded_stack.call(helpers.submit_many, count)
    embedded_stack.start("dispatcher")
    embedded_stack.start("worker", "--loglevel", "WARNING", wait=False)
    statement = "SELECT count(*) FROM jobs_job WHERE state = 'SUCCESS'"
    done = lambda: embedded_stack.query(statement)[0][0] == count  # noqa: E731
    embedded_stack.wait_for(done, 120, "all jobs run")
    assert ledger.count() == count


@pytest.mark.behaviour("J5")
def test_one_bad_item_refuses_all_and_names_its_position(stack: Stack, ledger: Ledger) -> None:
    refusals = stack.call(helpers.refusal_of_many)
    assert {name: kind for name, (kind, _) in refusals.items()} == dict.fromkeys(
        refusals, "BadItemError"
    )
    assert refusals["not JSON"][1].startswith("Item 1 is refused, and with it all others: The arg")
    assert refusals["misfit"][1].startswith("Item 2 is refused")
    assert refusals["no item"][1].endswith("nor a dict, but 'text'.")
    assert ledger.count() == 0
    assert ledger.messages() == 0


def published(stack: Stack) -> int:
    return int(stack.query(PUBLISHED)[0][0])
