"""A run has the scope in which it was started, in its steps and after a replay; its secrets are sealed."""

from tests.integration.workflows import scopes
from tests.stacks import Stack


def test_a_run_goes_on_in_the_scope_in_which_it_was_started(database: Stack) -> None:
    done = database.call(scopes.inherit)
    scoped, unscoped, forked = done["seen"]
    assert scoped == forked == [["de", "acme"]], "in steps, threads, branches, children, replays"
    assert unscoped == [["en-gb", None]], "and a run beside it has nothing of it"
    assert done["left"] == ["en-gb", None]
    assert done["jobs"] == [], "the jobs that advance runs have none"


def test_secrets_are_in_no_table_and_the_run_has_them(database: Stack) -> None:
    done = database.call(scopes.seal)
    secret = scopes.SECRET
    assert done["found"] == []
    assert done["sealed"] > 0
    assert done["told"] == [secret, f"{secret} is refused", f"{secret}-key", f"{secret}-token"]
    assert done["result"] == done["shown"] == {"user": "bob", "token": f"{secret}-token"}
    assert done["error"] == "******** is refused"


def test_a_run_whose_secrets_cannot_be_opened_is_parked_until_the_key_is_back(
    database: Stack,
) -> None:
    done = database.call(scopes.lose_the_key)
    assert (done["args"], done["state"], done["still"]) == ("sealed", "BLOCKED", "BLOCKED")
    assert done["error"].startswith("A secret cannot be opened: it was sealed under a SECRET_KEY")
    assert done["result"] == len(scopes.SECRET)
