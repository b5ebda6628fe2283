from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest
import requests

from celery_uncovered.toyex.standin.rate_limits import TIGHT, Meter
from celery_uncovered.toyex.standin.records import Item
from celery_uncovered.toyex.standin.server import StandIn

MONTH = "created:>=2026-04-04"


def ask(standin: StandIn, q: str = MONTH, **params: Any) -> requests.Response:
    return requests.get(f"{standin.url}/search/repositories", params={"q": q, **params}, timeout=5)


@pytest.mark.parametrize(
    ("q", "matches"),
    [
        ("created:>=2026-05-03", lambda item: item["created_at"] >= "2026-05-03"),
        ("created:>2026-05-03", lambda item: item["created_at"] >= "2026-05-04"),
        ("created:<=2026-05-03", lambda item: item["created_at"] < "2026-05-04"),
        ("created:<2026-05-03", lambda item: item["created_at"] < "2026-05-03"),
        ("created:2026-05-03", lambda item: item["created_at"].startswith("2026-05-03")),
        (
            "created:2026-05-01..2026-05-02",
            lambda item: "2026-05-01" <= item["created_at"] < "2026-05-03",
        ),
        ("created:*..2026-05-02", lambda item: item["created_at"] < "2026-05-03"),
        ("stars:>=1000", lambda item: item["stargazers_count"] >= 1000),
        ("stars:17", lambda item: item["stargazers_count"] == 17),
        ("stars:5..9", lambda item: 5 <= item["stargazers_count"] <= 9),
        ("language:rust", lambda item: item["language"] == "Rust"),
        ('language:"Jupyter Notebook"', lambda item: item["language"] == "Jupyter Notebook"),
        ("topic:cli stars:>9", lambda i: "cli" in i["topics"] and i["stargazers_count"] > 9),
        ("sharex", lambda i: "sharex" in f"{i['name']} {i['description']}".lower()),
    ],
)
def test_a_query_counts_what_it_says(
    standin: StandIn, recorded_items: list[Item], q: str, matches: Callable[[Item], bool]
) -> None:
    wanted = sum(map(matches, recorded_items))
    assert wanted > 0
    assert ask(standin, q).json()["total_count"] == wanted


@pytest.mark.parametrize(
    "q", ["foo:bar", "created:>=soon", "created:", "stars:>=x", "stars:>=-1", '"open', "-topic:x"]
)
def test_what_is_not_understood_is_refused(standin: StandIn, q: str) -> None:
    answer = ask(standin, q)
    assert answer.status_code == 422
    assert answer.json()["message"] == "Validation Failed"


@pytest.mark.parametrize("q", ["", "  ", "x" * 257])
def test_an_empty_or_long_query_is_refused(standin: StandIn, q: str) -> None:
    assert ask(standin, q).status_code == 422


def test_a_page_has_thirty_unless_asked_and_a_hundred_at_most(standin: StandIn) -> None:
    assert len(ask(standin).json()["items"]) == 30
    assert len(ask(standin, per_page=7).json()["items"]) == 7
    assert len(ask(standin, per_page=500).json()["items"]) == 100
    assert len(ask(standin, per_page="many", page=-1).json()["items"]) == 30


def test_results_end_at_a_thousand(standin: StandIn) -> None:
    assert len(ask(standin, per_page=100, page=10).json()["items"]) == 100
    assert len(ask(standin, per_page=30, page=34).json()["items"]) == 10
    past = ask(standin, per_page=100, page=11)
    assert past.status_code == 422
    assert past.json()["message"] == "Only the first 1000 search results are available"


def test_a_page_past_the_results_is_empty(standin: StandIn) -> None:
    answer = ask(standin, "created:>=2026-05-03", per_page=100, page=2)
    assert answer.status_code == 200
    assert answer.json() == {"total_count": 78, "incomplete_results": False, "items": []}


def rels(answer: requests.Response) -> dict[str, str]:
    return {name: link["url"].rpartition("page=")[2] for name, link in answer.links.items()}


def test_links_name_the_pages_around(standin: StandIn) -> None:
    assert rels(ask(standin, page=1)) == {"next": "2", "last": "34"}
    middle = {"prev": "1", "next": "3", "last": "34", "first": "1"}
    assert rels(ask(standin, page=2)) == middle
    assert rels(ask(standin, page=34)) == {"prev": "33", "first": "1"}
    assert "Link" not in ask(standin, "created:>=2026-05-03", per_page=100).headers


def test_the_next_link_leads_to_the_next_page(standin: StandIn) -> None:
    first = ask(standin, per_page=100)
    second = requests.get(first.links["next"]["url"], timeout=5)
    assert second.json() == ask(standin, per_page=100, page=2).json()


@pytest.mark.parametrize(
    ("sort", "field"),
    [("stars", "stargazers_count"), ("forks", "forks_count"), ("updated", "updated_at")],
)
def test_results_are_sorted_both_ways(standin: StandIn, sort: str, field: str) -> None:
    for order in ("desc", "asc"):
        items = ask(standin, sort=sort, order=order, per_page=100).json()["items"]
        values = [item[field] for item in items]
        assert values == sorted(values, reverse=order == "desc")


def test_an_item_is_as_it_was_recorded(standin: StandIn, recorded_items: list[Item]) -> None:
    [item] = ask(standin, "sharex stars:>1000").json()["items"]
    assert item in recorded_items


def test_every_answer_says_which_day_it_is(standin: StandIn) -> None:
    today = requests.get(f"{standin.url}/_today", timeout=5)
    assert today.json() == {"today": "2026-05-04", "source": "recorded"}
    for answer in (today, ask(standin), ask(standin, "foo:bar")):
        assert answer.headers["X-Recorded-Today"] == "2026-05-04"


def test_by_default_nobody_is_locked_out(standin: StandIn) -> None:
    answers = [ask(standin, per_page=1) for _ in range(40)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[-1].headers["X-RateLimit-Used"] == "40"
    assert answers[-1].headers["X-RateLimit-Resource"] == "search"


def test_tight_limits_are_githubs_by_token_and_by_address(
    start_standin: Callable[..., StandIn],
) -> None:
    now = [1000.0]
    standin = start_standin(meter=Meter(TIGHT, now=lambda: now[0]))
    token = {"Authorization": "Bearer a"}
    url = f"{standin.url}/search/repositories?q={MONTH}&per_page=1"
    with_token = [requests.get(url, headers=token, timeout=5) for _ in range(31)]
    without = [ask(standin, per_page=1) for _ in range(11)]
    assert [answer.status_code for answer in with_token] == [200] * 30 + [403]
    assert [answer.status_code for answer in without] == [200] * 10 + [403]
    assert without[0].headers["X-RateLimit-Remaining"] == "9"
    assert without[-1].headers["X-RateLimit-Remaining"] == "0"
    assert without[-1].headers["X-RateLimit-Reset"] == "1060"
    assert without[-1].json()["message"].startswith("API rate limit exceeded")
    now[0] = 1060.0
    assert ask(standin).status_code == 200


def test_a_request_without_a_user_agent_is_refused_in_html(standin: StandIn) -> None:
    """http.client sends only what it is told to."""
    connection = HTTPConnection(standin.url.removeprefix("http://"), timeout=5)
    connection.request("GET", f"/search/repositories?q={MONTH}")
    answer = connection.getresponse()
    assert answer.status == 403
    assert str(answer.headers["Content-Type"]).startswith("text/html")
    connection.close()


def test_a_token_in_the_address_is_refused(standin: StandIn) -> None:
    assert ask(standin, access_token="very-secret").status_code == 400
    assert "very-secret" not in requests.get(f"{standin.url}/_requests", timeout=5).text


@pytest.mark.parametrize("value", ["Bearer bad", "token bad", "bad", "Bearer "])
def test_a_bad_token_is_refused(standin: StandIn, value: str) -> None:
    answer = requests.get(
        f"{standin.url}/search/repositories",
        params={"q": MONTH},
        headers={"Authorization": value},
        timeout=5,
    )
    assert answer.status_code == 401
    assert answer.json()["message"] == "Bad credentials"


@pytest.mark.parametrize("host", ["example.org", "0.0.0.0", "localhost.example.org", "127.0.0.1@x"])  # noqa: S104
def test_a_foreign_name_for_this_machine_is_refused(standin: StandIn, host: str) -> None:
    """A page of another site must not reach it through a name that resolves to loopback."""
    answer = requests.get(f"{standin.url}/_today", headers={"Host": host}, timeout=5)
    assert answer.status_code == 403


def test_other_paths_are_not_found(standin: StandIn) -> None:
    assert requests.get(f"{standin.url}/user", timeout=5).status_code == 404
    assert requests.post(f"{standin.url}/search/repositories", timeout=5).status_code == 404
