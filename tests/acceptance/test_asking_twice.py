"""Two who ask for the same report get the same job; a stranger gets nothing, in production."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from celery_uncovered.toyex.reports import request_report
from tests.acceptance.browser import JSON, Person
from tests.acceptance.expected import expected_rows, read_back
from tests.acceptance.installation import Installation, Options, on
from tests.stacks import EMBEDDED, SERVERS

PASSWORD = "correct horse battery staple"
PEOPLE = f"""
from django.contrib.auth.models import User
for name in ("ann", "bob", "eve"):
    User.objects.create_user(name, password="{PASSWORD}")
"""


class People(NamedTuple):
    """Two who ask, and one who does not."""

    ann: Person
    bob: Person
    eve: Person


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(
        settings="config.settings.production",
        has_web=True,
        env=lambda stack: {
            "COOKIES_SECURE": "false",
            "STATIC_ROOT": str(stack.folder / "static"),
            "JOBS_OPEN_ON_LOOPBACK": "false",
        },
    )


@pytest.fixture(scope="module")
def signed_in() -> dict[str, People]:
    """By the site, because signing in takes a second."""
    return {}


@pytest.fixture
def people(installation: Installation, signed_in: dict[str, People]) -> People:
    if installation.web not in signed_in:
        installation.stack.script(PEOPLE)
        signed_in[installation.web] = People(
            *(Person(installation.web, name, PASSWORD) for name in People._fields)
        )
    return signed_in[installation.web]


@on(EMBEDDED, SERVERS)
def test_two_people_who_ask_at_the_same_moment_get_the_same_job_and_see_it(
    installation: Installation, people: People
) -> None:
    ann, bob = people.ann, people.bob
    installation.spoil({"kind": "slow", "seconds": 1})
    first, second = at_the_same_moment(
        lambda: ann.ask(period="month", group_by="language"),
        lambda: bob.ask(period="month", group_by="language"),
    )
    assert first == second
    task_id = first["task_id"]
    status = installation.end_of(task_id)
    assert len(installation.journal["requests"]) == 5, "the pages were fetched once"
    for person in (ann, bob):
        assert person.get(first["page_url"]).status_code == 200
        document = person.get(first["status_url"], **JSON).json()
        assert (document["state"], document["error"]) == ("SUCCESS", None)
        [artifact] = document["artifacts"]
        file = person.get(artifact["url"])
        assert file.status_code == 200
        assert file.headers["Content-Disposition"].startswith("attachment")
        assert file.content == installation.file_of(status)
        assert read_back(file.content) == expected_rows("month", "language")


@on(EMBEDDED, SERVERS)
def test_a_stranger_gets_404_for_job_status_and_file(
    installation: Installation, people: People
) -> None:
    ann, eve = people.ann, people.eve
    asked = ann.ask(period="month", group_by="language")
    installation.end_of(asked["task_id"])
    [artifact] = ann.get(asked["status_url"], **JSON).json()["artifacts"]
    for stranger in (eve, Person(installation.web)):
        for path in (asked["page_url"], asked["status_url"], artifact["url"]):
            assert stranger.get(path).status_code == 404, path
            assert stranger.get(path, **JSON).status_code == 404, path
    assert eve.get("/jobs/no-such-job/").status_code == 404


@on(EMBEDDED)
def test_nobody_asks_without_signing_in(installation: Installation) -> None:
    answer = Person(installation.web).post("/reports/hot-repos/", {"period": "day"}, **JSON)
    assert answer.status_code == 403


@on(EMBEDDED, SERVERS)
def test_two_processes_that_ask_at_the_same_moment_get_the_same_job(
    installation: Installation,
) -> None:
    one, other = installation.new_client(), installation.new_client()
    wanted: dict[str, Any] = {"period": "week", "group_by": "topic", "fresh": True}
    for client in (one, other):
        client.call("celery_uncovered.toyex.sources:source_name")  # it has started
    installation.spoil({"kind": "slow", "seconds": 3})
    ids = at_the_same_moment(
        lambda: one.call(request_report, **wanted), lambda: other.call(request_report, **wanted)
    )
    assert len(set(ids)) == 1
    assert installation.end_of(ids[0])["state"] == "SUCCESS"


@on(EMBEDDED)
def test_asked_again_later_it_is_the_one_that_exists_and_anew_is_a_new_one(
    installation: Installation,
) -> None:
    first = installation.report("day")
    assert installation.ask("day", ref_date="2026-05-04") == first["task_id"]
    assert installation.ask("day", "language") != first["task_id"]
    assert installation.ask("day", ref_date="2026-05-03") != first["task_id"]
    fresh = installation.report("day", fresh=True)
    assert fresh["task_id"] != first["task_id"]
    assert installation.ask("day") == fresh["task_id"]


def at_the_same_moment(*acts: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))
