"""Secrets of every kind, in every part of a job: only the task and who reads its result have them."""

import html
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.jobs import secrecy
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app.secret_tasks import digest
from tests.support.secrets import LETTERS, planted

#: Neither a name nor its looks tell: only the parameter that it is given for.
PASSWORD = "-".join([LETTERS[5:12], LETTERS[20:30], LETTERS[40:45]])


def test_planted_secrets_are_found_nowhere_and_reach_their_tasks(
    stack: Stack, ledger: Ledger
) -> None:
    # given secrets by name, by place and by their looks
    secrets = [secret for secret in planted(7) if secret.kind != "setting"]
    needles = [*(secret.needle for secret in secrets), PASSWORD, stack.env["SECRET_KEY"]]
    given: dict[str, Any] = {f"text_{n}": secret.text for n, secret in enumerate(secrets)}
    given |= {"api_key": secrets[1].needle, "headers": {"Cookie": secrets[-1].whole}}
    given |= {"deep": [{"db": {"passwd": secrets[0].needle}}], "key": stack.env["SECRET_KEY"]}
    assert len(kinds_in(json.dumps([PASSWORD, given]), needles)) == len(needles) >= 10

    # when they wait
    ids = stack.call(secrecy.submit_all, PASSWORD, given)
    # then neither the ledger nor the broker tells them
    waiting = stack.call(secrecy.messages)
    assert len(waiting) >= 13
    assert kinds_in("\n".join(waiting), needles) == []
    assert kinds_in(stack.call(secrecy.stored), needles) == []
    assert files_with(ledger.data, needles) == []

    # when they have run
    stack.start("worker", "--concurrency", "2")
    stack.start("dispatcher")
    states = {name: ledger.wait_until_final(task_id).state for name, task_id in ids.items()}
    stack.wait_for(lambda: {"link", "errback"} <= {note.split()[0] for note in ledger.notes()})
    ledger.drain()
    # then the tasks had them
    failed = {name for name, state in states.items() if state == "FAILURE"}
    assert failed == {"raise", "bad part", "never"}
    whole, none = digest([PASSWORD, given]), digest([PASSWORD, {}])
    returned = {"token": PASSWORD, "texts": list(given.values()), "user": "part 1"}
    expected = {
        *(f"{name} 1 {whole}" for name in ("submit", "name", "io", "later", "retry", "raise")),
        *(f"{name} 1 {whole}" for name in ("group 1", "group 2", "chain", "part 1", "part 2")),
        *(f"{name} 1 {none}" for name in ("many", "many too", "header")),
        f"retry 2 {whole}",
        f"bad part 1 {whole}",
        f"chain end 1 {digest([PASSWORD, PASSWORD])}",
        f"callback 1 {digest([[returned, PASSWORD], PASSWORD])}",
        f"link 1 {digest([returned | {'user': 'io'}, PASSWORD])}",
        f"errback 1 {digest([ids['raise'], PASSWORD])}",
    }
    assert set(ledger.notes()) == expected
    # and programs read what they returned
    assert stack.call(secrecy.true_result, ids["submit"]) == returned | {"user": "submit"}
    assert stack.call(secrecy.true_result, ids["retry"]) == returned | {"user": "retry"}
    assert stack.call(secrecy.true_result, ids["part 2"]) == PASSWORD
    assert stack.call(secrecy.true_result, ids["callback"]) == [returned, PASSWORD]
    assert "cannot log in with ********" in stack.call(secrecy.true_result, ids["raise"])
    # but no table, no page, no file and no log has them
    assert kinds_in(stack.call(secrecy.stored), needles) == []
    shown = stack.call(secrecy.pages, list(ids.values()))
    assert kinds_in(shown, needles) == []
    assert "gAAAA" not in shown
    assert shown.count("********") > 100
    assert files_with(stack.folder, needles) == []
    assert files_with(stack.folder, ["********"])
    assert kinds_in(stack.logs(), needles) == []
    assert "has [" in stack.logs()
    assert stack.logs().count("********") > 100


@pytest.mark.parametrize("queue", ["default", "io"])
def test_a_worker_with_another_key_fails_the_job_with_one_sentence(
    stack: Stack, ledger: Ledger, queue: str
) -> None:
    # given
    task_id = stack.call(
        "celery_uncovered.jobs.api:submit",
        "tests.support.app.secret_tasks.handle",
        args=["bob", PASSWORD],
        queue=queue,
    )
    stack.env["SECRET_KEY"] = "another" * 10
    # when
    stack.start("worker")
    job = ledger.wait_until_final(task_id)
    # then
    assert (job.state, job.attempt, job.error_type) == ("FAILURE", 1, "SealBrokenError")
    assert job.error.startswith("A secret cannot be opened: it was sealed under a SECRET_KEY that")
    ledger.drain()
    assert ledger.notes() == []


def kinds_in(text: str, needles: list[str]) -> list[str]:
    """The needles that are in ``text``, as they are or as JSON, HTML or an address writes them."""
    return [
        needle
        for needle in needles
        if any(
            form in text
            for form in (needle, json.dumps(needle)[1:-1], html.escape(needle), quote(needle))
        )
    ]


def files_with(folder: Path, needles: list[str]) -> list[str]:
    """The files below a folder that have one of the needles in their bytes, with the needles."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    found = {}
    for path in files:
        try:
            content = path.read_bytes().decode("latin-1")
        except FileNotFoundError:  # a message that was sent on meanwhile
            continue
        if kinds := kinds_in(content, needles):
            found[path.name] = kinds
    return [f"{name}: {kinds}" for name, kinds in found.items()]
