import json
from datetime import date

import pytest

from celery_uncovered.toyex.github import (
    BadCredentials,
    BrokenAnswer,
    Repository,
    SearchClient,
    SearchPage,
)
from celery_uncovered.toyex.standin.server import StandIn
from tests.unit.toyex.examples import api_item

WEEK = date(2026, 4, 27)


def body(**changes: object) -> bytes:
    whole = {"total_count": 1, "incomplete_results": False, "items": [api_item()]}
    return json.dumps({**whole, **changes}).encode()


def test_a_page_holds_the_most_starred_repositories_first(standin: StandIn) -> None:
    with SearchClient(standin.url) as client:
        page = client.search_page(WEEK, 1)
    stars = [one.stars for one in page.items]
    assert (page.total_count, page.incomplete_results, len(stars)) == (620, False, 100)
    assert stars == sorted(stars, reverse=True)
    assert all(one.created >= "2026-04-27" for one in page.items)


def test_pages_do_not_overlap_and_end_with_what_is_left(standin: StandIn) -> None:
    with SearchClient(standin.url) as client:
        pages = [client.search_page(WEEK, number).items for number in range(1, 9)]
    assert [len(items) for items in pages] == [100] * 6 + [20, 0]
    assert len({one.id for items in pages for one in items}) == 620


def test_per_page_is_passed_on(standin: StandIn) -> None:
    with SearchClient(standin.url) as client:
        assert len(client.search_page(WEEK, 1, per_page=7).items) == 7


def test_the_request_is_the_one_that_github_documents(standin: StandIn) -> None:
    with SearchClient(f"{standin.url}/", token=" secret-token\n") as client:
        client.search_page(WEEK, 2)
    [request] = standin.service.journal.as_json()["requests"]
    assert request["params"] == {
        "q": "created:>=2026-04-27",
        "sort": "stars",
        "order": "desc",
        "per_page": "100",
        "page": "2",
    }
    assert request["headers"]["Accept"] == "application/vnd.github+json"
    assert request["headers"]["User-Agent"] == "celery-uncovered"
    assert request["headers"]["X-GitHub-Api-Version"] == "2022-11-28"
    assert request["is_authorized"]


def test_without_a_token_no_authorization_is_sent(standin: StandIn) -> None:
    with SearchClient(standin.url) as client:
        client.search_page(WEEK, 1)
    assert not standin.service.journal.as_json()["requests"][0]["is_authorized"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.github.com",
        "ftp://api.github.com",
        "https://me:secret@api.github.com",
        "https://api.github.com?token=secret",
        "https://api.github.com#secret",
    ],
)
def test_an_address_that_is_not_plain_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="GITHUB_API_URL") as refusal:
        SearchClient(address)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("token", ["two words", "line\r\nX-Evil: 1", "tökén", "\x00"])
def test_a_token_that_no_header_can_carry_is_refused_before_it_is_sent(token: str) -> None:
    with pytest.raises(BadCredentials) as refusal:
        SearchClient("http://127.0.0.1:9", token)
    assert token not in str(refusal.value)
    assert "GITHUB_OAUTH" in str(refusal.value)


def test_a_body_becomes_values() -> None:
    page = SearchPage.from_body(body())
    assert page.items == (
        Repository(
            id=7,
            full_name="owner/name",
            stars=10,
            forks=2,
            language="Python",
            topics=("cli",),
            created="2026-05-03T10:00:00Z",
            url="https://github.com/owner/name",
            description="A tool",
        ),
    )


def test_what_github_may_leave_out_is_empty() -> None:
    item = api_item(language=None, description=None, topics=None)
    one = Repository.from_api(item)
    assert (one.language, one.description, one.topics) == (None, None, ())
    for name in ("language", "description", "topics"):
        del item[name]
    assert Repository.from_api(item) == one


def test_a_repository_survives_the_way_through_json() -> None:
    one = Repository.from_api(api_item(topics=["a", "b"], language=None))
    assert Repository.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_text_that_no_store_can_hold_is_replaced() -> None:
    """JSON may spell NUL and half a character; the rest of the text stays as it is."""
    broken = json.dumps(api_item(description="a\x00b\ud800c\u200f\r\n", language="\x00"))
    one = Repository.from_api(json.loads(broken))
    assert one.description == "a\ufffdb\ufffdc\u200f\r\n"
    assert one.language == "\ufffd"


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "7"},
        {"id": True},
        {"id": 7.0},
        {"full_name": ""},
        {"full_name": 7},
        {"stargazers_count": None},
        {"stargazers_count": -1},
        {"forks_count": "2"},
        {"language": 7},
        {"topics": "cli"},
        {"topics": [7]},
        {"created_at": "yesterday"},
        {"created_at": None},
        {"html_url": "javascript:alert(1)"},
        {"description": []},
    ],
)
def test_a_field_of_a_wrong_type_breaks_the_answer(changes: dict[str, object]) -> None:
    [name] = changes
    with pytest.raises(BrokenAnswer, match=name):
        SearchPage.from_body(body(items=[api_item(**changes)]))


@pytest.mark.parametrize(
    "name", ["id", "full_name", "stargazers_count", "forks_count", "created_at", "html_url"]
)
def test_a_required_field_that_is_missing_breaks_the_answer(name: str) -> None:
    item = api_item()
    del item[name]
    with pytest.raises(BrokenAnswer, match=name):
        SearchPage.from_body(body(items=[item]))


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\xff\xfe\xff",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"9" * 5_000,
        body(items=None),
        body(items={}),
        body(items=["text"]),
        body(total_count="1"),
        body(total_count=True),
        body(incomplete_results=None),
        b'{"message":"Server Error"}',
    ],
)
def test_a_body_of_another_shape_is_broken_and_may_be_asked_for_again(broken: bytes) -> None:
    with pytest.raises(BrokenAnswer) as fault:
        SearchPage.from_body(broken)
    assert fault.value.is_retryable
