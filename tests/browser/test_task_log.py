"""The log on a job's page: it grows while the job works, says which attempt speaks, and stays at its end."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser import inside
from tests.browser.conftest import Visit
from tests.browser.site import Site
from tests.browser.test_every_page import PHONE, overflow
from tests.browser.test_polling import Polled, polled  # noqa: F401  # a fixture

LINES = re.compile(r"/log/lines/")
HEAD = "2026-05-04T12:00:00.123Z INFO"
IS_AT_END = """() => {
  const box = document.getElementById("log-text");
  const last = [...box.querySelectorAll(".log-line")].pop().getBoundingClientRect();
  return last.bottom <= box.getBoundingClientRect().bottom + 1;
}"""


def texts_of(page: Page) -> list[str]:
    return page.locator(".log-line").all_inner_texts()


def test_a_visitor_runs_the_example_and_watches_its_log_grow(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    page.locator(".example", has_text="A log for each task").get_by_role("button").click()
    page.wait_for_url(re.compile(r"/jobs/[^/]+/$"))
    page.evaluate("() => { window.isSamePage = true }")
    expect(page.locator("#log")).to_contain_text("the dough is ready, 6 loaves of it")
    seen = len(texts_of(page))
    expect(page.locator("#log")).to_contain_text("ColdOvenError: The oven has 120 °C")
    expect(page.locator("#log h3")).to_have_text(["Attempt 1", "Attempt 2"])
    expect(page.locator("h2.big-state")).to_have_text("Succeeded")
    expect(page.locator(".log-line").last).to_contain_text("Done: 6 loaves")
    assert page.evaluate("() => window.isSamePage"), "without loading the page again"
    texts = texts_of(page)
    assert len(texts) > seen
    timed = [text for text in texts if not text.startswith(" ")]
    assert len(timed) == len(set(timed)), "each text once"
    assert page.evaluate(IS_AT_END)
    page.reload()
    assert texts_of(page) == texts
    with page.expect_download() as download:
        page.locator("#log").get_by_role("link", name="Whole log as a file").click()
    assert "loaf 6 of 6 is done" in download.value.path().read_text()


def test_the_log_is_there_without_javascript(visit: Visit, site: Site) -> None:
    page = visit(java_script_enabled=False)
    site.call(inside.add_job, "talks-plainly", state="STARTED")
    site.call(inside.say, "talks-plainly", f"{HEAD} hello")
    page.goto("/jobs/talks-plainly/")
    assert texts_of(page) == ["12:00:00.123 INFO hello"]


# --- with a clock of ours --------------------------------------------------------------------------
@pytest.fixture
def talking(polled: Callable[..., Polled], site: Site) -> Callable[..., Polled]:  # noqa: F811
    """The page of a job that has said ``count`` lines."""

    def open_page(count: int = 1, **options: str) -> Polled:
        job = polled(**options)
        if count:
            say(job, *(f"line {number}" for number in range(count)))
            job.page.reload()
        return job

    return open_page


def say(job: Polled, *texts: str, attempt: int = 1) -> None:
    lines = [f"{HEAD} {text}" for text in texts]
    job.site.call(inside.say, job.task_id, *lines, attempt=attempt)


def poll(job: Polled) -> Request:
    """The request for the log that a poll of the page brings with it."""
    with job.page.expect_response(LINES) as came:
        job.poll(10_000)
    job.settle()
    return came.value.request


def test_each_look_asks_only_for_what_is_new(talking: Callable[..., Polled]) -> None:
    job = talking()
    before = poll(job)
    say(job, "new")
    poll(job)
    expect(job.page.locator(".log-line")).to_have_count(2)
    after = poll(job)
    first, second = (
        int(parse_qs(urlsplit(request.url).query)["offset"][0]) for request in (before, after)
    )
    assert second - first == len(f"{HEAD} new\n")
    expect(job.page.locator(".log-line")).to_have_count(2)


def test_the_first_line_of_a_silent_job_takes_the_place_of_the_hint(
    talking: Callable[..., Polled],
) -> None:
    job = talking(0)
    expect(job.page.locator("#log-empty")).to_be_visible()
    say(job, "first")
    poll(job)
    expect(job.page.locator("#log-empty")).to_be_hidden()
    expect(job.page.locator(".log-line")).to_have_text(["12:00:00.123 INFO first"])


def test_another_attempt_begins_a_part_of_its_own(talking: Callable[..., Polled]) -> None:
    job = talking()
    say(job, "again", attempt=2)
    poll(job)
    say(job, "and again", attempt=2)
    poll(job)
    expect(job.page.locator("#log h3")).to_have_text(["Attempt 1", "Attempt 2"])
    expect(job.page.locator("[data-attempt='2'] .log-line")).to_have_count(2)


def test_the_last_words_come_after_the_job_has_ended(talking: Callable[..., Polled]) -> None:
    job = talking()
    say(job, "last words")
    job.site.call(inside.end_job, job.task_id)
    poll(job)
    expect(job.page.locator("h2.big-state")).to_have_text("Succeeded")
    expect(job.page.locator(".log-line").last).to_contain_text("last words")


def test_last_words_that_did_not_come_through_are_asked_for_again(
    talking: Callable[..., Polled],
) -> None:
    job = talking(expects="ERR_")
    say(job, "last words")
    job.site.call(inside.end_job, job.task_id)
    job.page.route(LINES, lambda route: route.abort())
    job.poll(10_000)
    expect(job.page.locator("h2.big-state")).to_have_text("Succeeded")
    job.settle()
    job.page.unroute(LINES)
    with job.page.expect_response(LINES):
        job.pass_time(6_000)
    expect(job.page.locator(".log-line").last).to_contain_text("last words")


def test_a_reader_who_scrolled_up_is_left_there_and_others_follow(
    talking: Callable[..., Polled],
) -> None:
    job = talking(100)
    box = job.page.locator("#log-text")
    assert job.page.evaluate(IS_AT_END)
    say(job, *["more"] * 20)
    poll(job)
    assert job.page.evaluate(IS_AT_END), "it follows"
    box.evaluate("(one) => { one.scrollTop = -one.scrollHeight }")
    say(job, *["more"] * 20)
    poll(job)
    expect(job.page.locator(".log-line")).to_have_count(140)
    assert not job.page.evaluate(IS_AT_END)
    first = job.page.locator(".log-line").first
    expect(first).to_be_in_viewport()


def test_a_page_that_is_open_for_long_forgets_the_first_lines(
    talking: Callable[..., Polled],
) -> None:
    job = talking(10)
    say(job, *(f"more {number}" for number in range(2_100)))
    poll(job)
    expect(job.page.locator(".log-line")).to_have_count(2_000)
    expect(job.page.locator(".log-line").last).to_contain_text("more 2099")


def test_long_lines_wrap_on_a_phone(talking: Callable[..., Polled]) -> None:
    job = talking(0)
    job.page.set_viewport_size(PHONE)
    say(job, "x" * 500, "words " * 100)
    poll(job)
    assert overflow(job.page) == 0
    widths = job.page.evaluate(
        "() => [...document.querySelectorAll('.log-line')].map((one) => one.scrollWidth - one.clientWidth)"
    )
    assert widths == [0, 0]
    assert job.page.locator("#log-text").evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
