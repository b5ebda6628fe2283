"""GitHub's faults, one by one, against real workers: each ends as GitHub's own rules say."""

import html
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.foreign import foreign_server
from tests.acceptance.installation import Installation, Options, Status, on
from tests.stacks import EMBEDDED, SERVERS

TOKEN = "ghp_ThisTokenGoesToGitHubAlone"


@pytest.fixture(scope="module")
def options() -> Options:
    """The page shows what happened; the token is there to be kept secret."""
    return Options(has_web=True, env=lambda _: {"GITHUB_OAUTH": TOKEN, "GITHUB_MINIMUM_WAIT": "3"})


@dataclass(frozen=True, kw_only=True)
class Passing:
    """A fault that passes: the page is asked for again after at least ``waits`` seconds each."""

    name: str
    rule: dict[str, Any]
    waits: Sequence[float]
    is_limit: bool = False


WAIT = re.compile(
    r"4 of 5 pages fetched, [\d,]+ stars counted\. Page 3 waits [1-6] s for GitHub's rate limit"
)
PASSING = [
    Passing(
        name=f"{status} with Retry-After",
        rule={"kind": f"{status}-retry-after", "seconds": 5},
        waits=[5],
        is_limit=True,
    )
    for status in (403, 429)
]
PASSING += [
    # The header names the second of the reset, rounded down; a second is added to be sure.
    Passing(
        name=f"{status} with nothing remaining until the reset",
        rule={"kind": f"{status}-primary", "seconds": 5},
        waits=[5],
        is_limit=True,
    )
    for status in (403, 429)
]
PASSING += [
    Passing(
        name=f"{status} for a secondary limit that names no time, twice",
        rule={"kind": f"{status}-secondary", "times": 2},
        waits=[3, 6],
        is_limit=True,
    )
    for status in (403, 429)
]
PASSING += [
    Passing(
        name="500 twice, then 200",
        rule={"kind": "500", "times": 2},
        waits=[0.2, 0.4],
    ),
    Passing(name="502", rule={"kind": "502"}, waits=[0.2]),
    Passing(name="503", rule={"kind": "503"}, waits=[0.2]),
    # 0.2 s after 5 s; the stand-in may begin to count later than the client does.
    Passing(name="a time-out", rule={"kind": "timeout", "seconds": 30}, waits=[4.5]),
    Passing(name="truncated JSON", rule={"kind": "truncated"}, waits=[0.2]),
    Passing(name="no JSON", rule={"kind": "not-json"}, waits=[0.2]),
    Passing(name="missing items", rule={"kind": "missing-items"}, waits=[0.2]),
]
#: What must also hold with PostgreSQL and RabbitMQ; the rest is the client's business alone.
TELLING = [
    case
    for case in PASSING
    if case.name in {"429 with Retry-After", "500 twice, then 200", "truncated JSON"}
]

REFUSED = [
    ("401", "GitHub refused the token (401 Bad credentials); check GITHUB_OAUTH."),
    (
        "422",
        "GitHub refused the query (422 Validation Failed: None of the search qualifiers apply to"
        " this search type).",
    ),
    (
        "403-bad-logins",
        "GitHub refused the request (403 Maximum number of login attempts exceeded. Please try"
        " again later).",
    ),
]


@on(EMBEDDED)
@pytest.mark.parametrize("case", PASSING, ids=lambda case: case.name)
def test_a_fault_that_passes_is_waited_for(installation: Installation, case: Passing) -> None:
    wait_for_passing_fault(installation, case)


@on(SERVERS)
@pytest.mark.parametrize("case", TELLING, ids=lambda case: case.name)
def test_a_fault_that_passes_is_waited_for_on_servers(
    installation: Installation, case: Passing
) -> None:
    wait_for_passing_fault(installation, case)


@on(EMBEDDED, SERVERS)
@pytest.mark.parametrize(("kind", "sentence"), REFUSED, ids=[kind for kind, _ in REFUSED])
def test_a_refusal_ends_the_report_in_one_sentence(
    installation: Installation, kind: str, sentence: str
) -> None:
    installation.spoil({"kind": kind})
    status = installation.report("week", fresh=True)
    assert (status["state"], status["error"]) == ("FAILURE", sentence)
    assert_nothing_is_left(installation, status)
    assert html.escape(sentence) in installation.page_of(status["task_id"])
    pages = [request["page"] for request in installation.journal["requests"]]
    assert sorted(pages) == [1, 2, 3, 4, 5], "a refusal is not tried again"


@on(EMBEDDED)
def test_incomplete_results_are_told_and_not_reused(installation: Installation) -> None:
    installation.spoil({"kind": "incomplete_results", "page": 2})
    status = installation.report("week", fresh=True)
    assert_whole(installation, status)
    result = status["result"]
    assert (result["incomplete_results"], result["complete"]) == (True, False)
    assert (result["repositories"], result["missing_pages"]) == (500, [])
    assert "incomplete" in installation.page_of(status["task_id"]).lower()
    installation.heal()
    assert installation.report("week")["task_id"] != status["task_id"]


@on(EMBEDDED)
def test_fewer_pages_than_five_make_a_complete_report(installation: Installation) -> None:
    installation.spoil({"kind": "empty", "page": 4}, {"kind": "empty", "page": 5})
    status = installation.report("week", fresh=True)
    assert_whole(installation, status)
    assert (status["result"]["repositories"], status["result"]["complete"]) == (300, True)


@on(EMBEDDED)
def test_a_repository_on_two_pages_counts_once(installation: Installation) -> None:
    installation.spoil({"kind": "repeat", "page": 2})
    status = installation.report("week", "language", fresh=True)
    assert_whole(installation, status)
    assert (status["result"]["repositories"], status["result"]["rows"]) == (499, 499)
    file = installation.file_of(status).decode()
    addresses = re.findall(r',"(https://github\.com/[^"\s]+)",', file)
    assert len(addresses) == len(set(addresses)) == 499


@on(EMBEDDED)
def test_a_redirect_is_not_followed(installation: Installation) -> None:
    with foreign_server() as foreign:
        installation.spoil({"kind": "redirect", "location": foreign.url})
        status = installation.report("day", fresh=True)
        sentence = "GitHub refused the request (302 a redirect, which is not followed)."
        assert (status["state"], status["error"]) == ("FAILURE", sentence)
        assert foreign.asked == []
    assert_nothing_is_left(installation, status)


@on(EMBEDDED)
def test_a_link_to_another_host_is_not_followed(installation: Installation) -> None:
    with foreign_server() as foreign:
        installation.spoil({"kind": "foreign-link", "location": foreign.url})
        status = installation.report("week", fresh=True)
        assert_whole(installation, status)
        assert status["result"]["repositories"] == 500
        assert foreign.asked == []


@on(EMBEDDED)
def test_the_token_goes_to_github_and_is_written_nowhere(installation: Installation) -> None:
    installation.spoil({"kind": "500", "page": 1, "times": 1}, {"kind": "401", "page": 2})
    assert installation.report("day", fresh=True)["state"] == "FAILURE"
    asked = installation.journal["requests"]
    assert len(asked) == 6
    assert all(request["is_authorized"] for request in asked)
    written = [path for path in installation.stack.folder.rglob("*") if path.is_file()]
    assert {"db.sqlite3", installation.io.log.name} <= {path.name for path in written}
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]


def wait_for_passing_fault(installation: Installation, case: Passing) -> None:
    installation.spoil({"page": 3, "times": 1} | case.rule)
    task_id = installation.ask("week", fresh=True)
    if case.is_limit:
        watch_the_wait(installation, task_id)
    status = installation.end_of(task_id)
    assert_whole(installation, status)
    assert (status["result"]["repositories"], status["result"]["complete"]) == (500, True)
    starts = [request["started"] for request in installation.requests_of(3)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert len(gaps) == len(case.waits)
    assert all(gap >= wait for gap, wait in zip(gaps, case.waits, strict=True)), gaps
    assert len(installation.journal["requests"]) == 5 + len(gaps), "the other pages went once"


def watch_the_wait(installation: Installation, task_id: str) -> None:
    """The wait shows, also once the other pages have come."""

    def is_told(status: Status) -> bool:
        return status["is_final"] or (
            WAIT.fullmatch(status["progress"]["note"]) is not None
            and "Page 3 waits" in installation.page_of(task_id)
        )

    waiting = installation.wait_until(
        task_id, is_told, "the other four pages have come, and it says what the fifth waits for"
    )
    assert not waiting["is_final"]


def assert_whole(installation: Installation, status: Status) -> None:
    """It succeeded, and its file is whole and the only one."""
    assert (status["state"], status["error"]) == ("SUCCESS", "")
    [artifact] = status["artifacts"]
    assert len(installation.file_of(status)) == artifact["size"] > 0
    assert installation.stored_files == installation.known_files


def assert_nothing_is_left(installation: Installation, status: Status) -> None:
    """It failed with one sentence, and there is no file of it, whole or half."""
    assert "\n" not in status["error"]
    assert "Traceback" not in status["error"]
    outside_of_quotations = re.sub(r"\([^)]*\)", "", status["error"])
    assert outside_of_quotations.count(". ") == 0
    assert outside_of_quotations.endswith(".")
    assert status["artifacts"] == []
    assert installation.stored_files == installation.known_files
