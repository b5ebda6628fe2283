"""How the page of a running job keeps up to date; its clock is ours, so that nothing takes long."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.browser import inside
from tests.browser.conftest import Visit
from tests.browser.site import Site

CARD = re.compile(r"/jobs/[^/]+/card/$")
#: The first poll comes after 0.24 to 0.36 s.
FIRST = 400
MINUTE = 60_000
#: After that a poll has failed.
TIME_OUT = 10_000
NUMBERS = count(1)
#: The clock may have been moved a little further when the answer came.
UPDATED = re.compile(r"^Updated (just now|1 s ago)$")
LET_HIDE = """
window.isHidden = false;
Object.defineProperty(document, "hidden", {get: () => isHidden});
Object.defineProperty(document, "visibilityState", {get: () => isHidden ? "hidden" : "visible"});
"""
HIDE = "(now) => { isHidden = now; document.dispatchEvent(new Event('visibilitychange')) }"


class Polled:
    """The page of a job that runs; its timers fire only when the test moves the clock."""

    def __init__(self, page: Page, site: Site, task_id: str) -> None:
        self.page, self.site, self.task_id = page, site, task_id
        self.requests: list[Request] = []
        page.on("request", self.note)
        page.add_init_script(LET_HIDE)
        now = datetime.now(UTC)
        page.clock.install(time=now)
        page.clock.pause_at(now + timedelta(minutes=5))
        page.goto(f"/jobs/{task_id}/")

    def note(self, request: Request) -> None:
        if CARD.search(request.url):
            self.requests.append(request)

    @property
    def polls(self) -> int:
        """How many there were, once every request that was made has been seen."""
        self.page.evaluate("() => fetch('/healthz/').then((answer) => answer.text())")
        return len(self.requests)

    @property
    def freshness(self) -> Locator:
        return self.page.locator("#freshness")

    def pass_time(self, milliseconds: int) -> None:
        self.page.clock.run_for(milliseconds)

    def poll(self, milliseconds: int = FIRST) -> Request:
        """The request of the next poll, once it has been answered."""
        with self.page.expect_response(CARD) as polled:
            self.pass_time(milliseconds)
        self.settle()
        return polled.value.request

    def settle(self) -> None:
        """The page's own code has dealt with the answer: its next timer is set."""
        self.page.evaluate("() => fetch('/healthz/').then((answer) => answer.text())")

    def change(self, **fields: object) -> None:
        self.site.call(inside.change_job, self.task_id, **fields)


@pytest.fixture
def polled(site: Site, visit: Visit) -> Callable[..., Polled]:
    def open_page(name: str = "", *, expects: str = "") -> Polled:
        task_id = f"polled-{next(NUMBERS)}"
        site.call(
            inside.add_job, task_id, state="STARTED", age=1, progress_done=1, progress_total=5
        )
        return Polled(visit(name, expects=expects), site, task_id)

    return open_page


def test_a_poll_says_what_the_page_has_and_gets_nothing_when_nothing_changed(
    polled: Callable[..., Polled],
) -> None:
    job = polled()
    request = job.poll()
    shown = job.page.locator("#job").get_attribute("data-etag")
    assert request.header_value("if-none-match") == shown
    answer = request.response()
    assert answer
    assert answer.status == 304

    job.change(progress_done=2, progress_note="Halfway")
    answer = job.poll().response()
    assert answer
    assert answer.status == 200
    expect(job.page.get_by_role("progressbar")).to_have_attribute("value", "2")
    expect(job.page.locator(".meter")).to_contain_text("Halfway")
    again = job.poll()
    assert again.header_value("if-none-match") == answer.header_value("etag")


def test_the_next_poll_waits_for_the_answer_to_the_last_one(
    polled: Callable[..., Polled],
) -> None:
    job = polled()
    held: list[Route] = []
    job.page.route(CARD, lambda route: held.append(route))  # noqa: PLW0108  # not a builtin
    job.pass_time(FIRST)
    job.pass_time(TIME_OUT - 1_000)
    assert job.polls == len(held) == 1
    with job.page.expect_response(CARD):
        held[0].continue_()
    job.page.unroute(CARD)
    job.settle()
    # The next one comes after 0.75 to 1.13 s, as the page is old by now.
    job.poll(1_200)
    assert job.polls == 2


def test_polls_come_slower_to_a_page_that_is_open_for_long(polled: Callable[..., Polled]) -> None:
    job = polled()
    with job.page.expect_response(CARD):
        job.page.clock.fast_forward(MINUTE)
    job.settle()
    before = job.polls
    job.pass_time(3_900)
    assert job.polls == before
    job.poll(2_200)
    assert job.polls == before + 1


def test_polling_ends_with_the_job(polled: Callable[..., Polled]) -> None:
    job = polled()
    job.site.call(inside.end_job, job.task_id)
    job.poll()
    expect(job.page.locator("h2.big-state")).to_have_text("Succeeded")
    expect(job.page.get_by_role("link", name="Download")).to_be_focused()
    expect(job.freshness).to_be_hidden()
    for _ in range(3):
        job.pass_time(MINUTE)
    for is_hidden in (True, False):
        job.page.evaluate(HIDE, is_hidden)
    assert job.polls == 1


def test_polling_stops_while_the_tab_is_hidden(polled: Callable[..., Polled]) -> None:
    job = polled()
    job.poll()
    job.page.evaluate(HIDE, True)  # noqa: FBT003  # the argument of a function of the page
    for _ in range(3):
        job.pass_time(MINUTE)
    assert job.polls == 1
    with job.page.expect_response(CARD):
        job.page.evaluate(HIDE, False)  # noqa: FBT003
    assert job.polls == 2, "it looks at once when somebody looks"
    job.poll(10_000)
    assert job.polls >= 3


def test_a_server_that_asks_for_patience_gets_it(polled: Callable[..., Polled]) -> None:
    job = polled(expects="503")
    job.page.route(
        CARD, lambda route: route.fulfill(status=503, headers={"Retry-After": "20"}, body="busy")
    )
    job.poll()
    expect(job.freshness).to_contain_text("trying again")
    job.page.unroute(CARD)
    job.pass_time(19_000)
    assert job.polls == 1
    job.poll(2_000)
    expect(job.freshness).to_have_text(UPDATED)


def test_a_server_that_is_gone_shows_and_its_return_too(polled: Callable[..., Polled]) -> None:
    job = polled(expects="ERR_")
    job.page.route(CARD, lambda route: route.abort())
    job.pass_time(FIRST)
    expect(job.freshness).to_have_text(re.compile(r"^No answer since .*, trying again\.$"))
    expect(job.freshness).to_have_class(re.compile("stale"))
    expect(job.page.get_by_role("progressbar")).to_have_attribute("value", "1")
    job.settle()
    job.page.unroute(CARD)
    job.poll(2_000)
    expect(job.freshness).to_have_text(UPDATED)
    expect(job.freshness).not_to_have_class(re.compile("stale"))


def test_r_asks_at_once_without_loading_the_page_again(polled: Callable[..., Polled]) -> None:
    job = polled()
    job.page.evaluate("() => { window.isSamePage = true }")
    with job.page.expect_response(CARD):
        job.page.keyboard.press("r")
    assert job.polls == 1
    assert job.page.evaluate("() => window.isSamePage")


def test_focus_and_what_was_opened_outlive_a_change(polled: Callable[..., Polled]) -> None:
    job = polled("operator")
    summary = job.page.locator("#arguments summary")
    summary.click()
    expect(summary).to_be_focused()
    job.change(progress_done=3)
    job.poll()
    expect(job.page.get_by_role("progressbar")).to_have_attribute("value", "3")
    expect(summary).to_be_focused()
    expect(job.page.locator("#arguments")).to_have_attribute("open", "")


def test_the_title_follows_a_job_that_learns_what_it_is_about(
    polled: Callable[..., Polled],
) -> None:
    job = polled()
    heading = job.page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Hot repositories")
    job.site.call(inside.add_report, job.task_id)
    job.change(progress_done=4)
    job.poll()
    expect(heading).to_have_text("Hot repositories of the week to 4 May 2026, by topic")
    expect(job.page).to_have_title(re.compile("^Hot repositories of the week to 4 May 2026"))
