"""The ids by which the outside world can tell a repeated step from a new one."""

from tests.integration.workflows import step_ids
from tests.stacks import Stack


def test_each_step_of_a_run_has_an_id_of_its_own(database: Stack) -> None:
    done = database.call(step_ids.all_of_a_run)
    assert len(done["ids"]) == len(set(done["ids"])) == 20
    assert all(one.startswith(f"{done['run']}/") for one in done["ids"])
    assert done["here"] is None


def test_every_attempt_of_a_step_has_the_same(database: Stack) -> None:
    done = database.call(step_ids.those_of_one_step)
    assert len(done["ids"]) == 3
    assert set(done["ids"]) == {done["result"]}
