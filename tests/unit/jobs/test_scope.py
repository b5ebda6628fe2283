"""The scope where it is set: what it takes, what it refuses, and whom it concerns."""

import threading
from contextvars import copy_context
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_uncovered.jobs.api import scope
from celery_uncovered.jobs.errors import (
    ScopeError,
    ScopeNotDeclaredError,
    ScopeNotJsonError,
    ScopeTooLargeError,
)

ENDLESS: list[Any] = []
ENDLESS.append(ENDLESS)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def test_a_name_holds_within_and_not_after() -> None:
    assert scope.get("tenant") is None
    assert scope.get("tenant", "nobody") == "nobody"
    with scope.use(tenant="acme"):
        assert scope.get("tenant", "nobody") == "acme"
        with scope.use(tenant={"id": 7}):
            assert scope.current() == {"tenant": {"id": 7}}
        with scope.use(tenant=None):
            assert scope.current() == {}
        assert scope.current() == {"tenant": "acme"}
    assert scope.current() == {}


def test_an_error_within_takes_it_off_as_well() -> None:
    with pytest.raises(RuntimeError), scope.use(tenant="acme", locale="de"):
        raise RuntimeError
    assert scope.current() == {}


@pytest.mark.parametrize(
    "ask", [lambda: scope.get("tennant"), lambda: scope.use(tennant=1).__enter__()]
)
def test_a_name_that_is_not_declared_is_refused_with_those_that_are(ask: Any) -> None:
    with pytest.raises(
        ScopeNotDeclaredError,
        match=r'^Scope "tennant" is not declared in JOBS_SCOPE; declared are: locale, tenant\.$',
    ):
        ask()


def test_where_nothing_is_declared_the_sentence_says_so(settings: Any) -> None:
    settings.JOBS_SCOPE = {}
    with pytest.raises(ScopeNotDeclaredError, match="nothing is"):
        scope.get("tenant")


@pytest.mark.parametrize(
    "value",
    [object(), float("nan"), {1, 2}, b"x", (1, 2), {1: 2}, [{"deep": (1,)}], ENDLESS],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_would_not_arrive_as_it_is_is_refused(value: Any) -> None:
    with (
        pytest.raises(ScopeNotJsonError, match=r'^Scope "tenant" is not JSON: .*\.$'),
        scope.use(tenant=value),
    ):
        pass


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ScopeNotJsonError), scope.use(tenant="\ud800"):
        pass


def test_the_limit_counts_the_bytes_of_the_whole_scope() -> None:
    with scope.use(tenant="x" * (4096 - len('{"tenant":""}'))):
        pass
    with pytest.raises(ScopeTooLargeError, match=r"takes 4,097 bytes as JSON; the limit is 4,096"):
        scope.use(tenant="x" * (4097 - len('{"tenant":""}'))).__enter__()
    with pytest.raises(ScopeTooLargeError):
        scope.use(tenant="ü" * 2100).__enter__()


@given(JSON)
def test_any_json_comes_out_as_it_went_in(value: Any) -> None:
    with scope.use(tenant=value):
        text = scope.captured()
        assert scope.decode(text) == ({} if value is None else {"tenant": value})
        assert scope.get("tenant") == value


def test_what_its_giver_changes_later_does_not_count() -> None:
    tenant = {"roles": ["reader"]}
    with scope.use(tenant=tenant):
        tenant["roles"].append("admin")
        assert scope.get("tenant") == {"roles": ["reader"]}


@pytest.mark.parametrize("header", [None, "", "read write", "[]", "7", "{", ["a"], 7, "null"])
def test_a_header_of_others_is_no_scope(header: Any) -> None:
    assert scope.decode(header) == {}


def test_a_new_thread_is_in_nobodys_scope() -> None:
    seen: list[Any] = []
    with scope.use(tenant="acme"):
        thread = threading.Thread(target=lambda: seen.append(scope.current()))
        thread.start()
        thread.join()
        # Unless whoever starts it hands its context over.
        seen.append(copy_context().run(scope.current))
    assert seen == [{}, {"tenant": "acme"}]


def test_all_that_is_wrong_with_a_scope_is_a_scope_error() -> None:
    assert issubclass(ScopeError, ValueError)
    for error in (ScopeNotDeclaredError, ScopeNotJsonError, ScopeTooLargeError):
        assert issubclass(error, ScopeError)
