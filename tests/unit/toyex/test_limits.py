from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from celery_uncovered.toyex.github.limits import LONGEST_WAIT, wait_of
from tests.unit.toyex.examples import patient

NOW = 1_777_900_000
SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes."


def wait(
    headers: dict[str, str] | None = None,
    *,
    status: int = 403,
    message: str = SECONDARY,
    attempt: int = 0,
    minimum_wait: float = 60.0,
) -> float | None:
    return wait_of(
        status=status,
        headers=CaseInsensitiveDict(headers or {}),
        message=message,
        now=NOW,
        attempt=attempt,
        minimum_wait=minimum_wait,
    )


def used_up(reset: object) -> dict[str, str]:
    return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(reset)}


def http_date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(NOW + seconds, UTC), usegmt=True)


@pytest.mark.parametrize("status", [200, 304, 401, 404, 422, 500, 503])
def test_only_403_and_429_are_limits(status: int) -> None:
    assert wait({"Retry-After": "5", **used_up(NOW + 5)}, status=status) is None


@pytest.mark.parametrize(
    "message",
    [
        "Maximum number of login attempts exceeded. Please try again later.",
        "Request forbidden by administrative rules.",
        "",
    ],
)
def test_a_403_without_any_sign_of_a_limit_is_none(message: str) -> None:
    assert wait({"X-RateLimit-Remaining": "9"}, message=message) is None


def test_a_429_is_a_limit_whatever_it_says() -> None:
    assert wait(status=429, message="") == 60


@pytest.mark.parametrize(
    "message",
    [
        "You have triggered an abuse detection mechanism. Please wait.",
        "API rate limit exceeded for user ID 1.",
    ],
)
def test_the_wordings_of_github_are_known(message: str) -> None:
    assert wait(message=message) == 60


def test_retry_after_comes_before_the_reset() -> None:
    assert wait({"Retry-After": "7", **used_up(NOW + 500)}) == 7


def test_the_reset_comes_before_the_minimum() -> None:
    assert wait(used_up(NOW + 20)) == 21


def test_a_limit_that_is_not_used_up_has_no_reset_to_wait_for() -> None:
    assert wait({"X-RateLimit-Remaining": "5", "X-RateLimit-Reset": str(NOW + 20)}) == 60


def test_retry_after_may_be_a_date() -> None:
    assert wait({"Retry-After": http_date(30)}) == 30


def test_a_moment_that_is_past_asks_only_for_the_margin() -> None:
    assert wait({"Retry-After": http_date(-30)}) == 1
    assert wait({"Retry-After": "0"}) == 1
    assert wait(used_up(NOW - 30)) == 1


@pytest.mark.parametrize("garbage", ["-5", "soon", "", "1e3", "٣", "nan", "9" * 5000, "1.5"])
def test_values_that_are_no_numbers_count_as_absent(garbage: str) -> None:
    assert wait({"Retry-After": garbage}, message="") == 60
    assert wait({"Retry-After": garbage, **used_up(NOW + 20)}) == 21
    assert wait(used_up(garbage)) == 60
    assert wait({"X-RateLimit-Remaining": garbage}, message="") is None


def test_a_secondary_limit_doubles_its_wait_up_to_the_longest() -> None:
    waits = [wait(attempt=attempt) for attempt in (-1, 0, 1, 2, 5, 6, 10**6)]
    assert waits == [60, 60, 120, 240, 1920, LONGEST_WAIT, LONGEST_WAIT]


@pytest.mark.parametrize("headers", [{"Retry-After": "999999"}, used_up(999_999_999_999)])
def test_no_wait_is_longer_than_the_longest(headers: dict[str, str]) -> None:
    assert wait(headers) == LONGEST_WAIT


def test_a_test_may_scale_the_waits() -> None:
    assert wait(minimum_wait=0.05, attempt=1) == 0.1
    assert wait(used_up(NOW), minimum_wait=0.05) == 0.05


@patient
@given(
    st.sampled_from([403, 429]),
    st.dictionaries(
        st.sampled_from(["Retry-After", "X-RateLimit-Remaining", "X-RateLimit-Reset"]),
        st.text() | st.integers().map(str) | st.datetimes().map(format_datetime),
    ),
    st.integers(),
)
def test_whatever_the_headers_the_wait_is_bounded(
    status: int, headers: dict[str, str], attempt: int
) -> None:
    seconds = wait(headers, status=status, attempt=attempt)
    assert seconds is not None
    assert 1 <= seconds <= LONGEST_WAIT
