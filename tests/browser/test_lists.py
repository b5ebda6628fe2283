"""The list of jobs: its address holds all that it shows; and the keys that work on each page."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import inside
from tests.browser.conftest import Visit
from tests.browser.site import Site

TASK = "tests.tasks.sort_letters_task"
OLD = "sorted-long-ago"
PAGE_SIZE = 50


@pytest.fixture(scope="package")
def letters(site: Site) -> None:
    """Jobs that only operators see: 55 failed ones, a succeeded one, and a failed one of old."""
    site.call(inside.add_jobs, 55, "sorted", state="FAILURE", task=TASK, queue="io")
    site.call(inside.add_job, "sorted-well", state="SUCCESS", task=TASK, queue="io")
    site.call(inside.add_job, OLD, state="FAILURE", age=3 * 86_400, task=TASK, queue="io")


@pytest.mark.usefixtures("letters")
def test_filters_bound_and_place_in_the_list_are_in_the_address(visit: Visit) -> None:
    page = visit("operator")
    page.goto("/jobs/")
    page.get_by_label("Search").fill("sort_letters")
    page.get_by_label("State").select_option("Failed")
    page.get_by_label("Queue").select_option("io")
    page.get_by_role("button", name="Show").click()
    expect(rows(page)).to_have_count(PAGE_SIZE)
    wanted = {"q": ["sort_letters"], "state": ["FAILURE"], "queue": ["io"]}
    assert wanted.items() <= query(page).items()
    assert set(rows(page).locator(".state").all_inner_texts()) == {"Failed"}

    first = ids(page)
    page.get_by_role("link", name="Older").click()
    expect(rows(page)).to_have_count(5)
    assert wanted.items() <= query(page).items()
    assert query(page)["after"]
    assert [*first, *ids(page)] == [f"sorted-{number:03}" for number in range(1, 56)]

    colleague = visit("operator")
    colleague.goto(page.url)
    assert ids(colleague) == ids(page)

    page.get_by_role("link", name="Newest").click()
    expect(rows(page)).to_have_count(PAGE_SIZE)
    assert ids(page) == first
    page.get_by_role("link", name="7 days").click()
    expect(page.locator(".bound b")).to_have_text("7 days")
    assert query(page)["within"] == ["7d"]
    page.get_by_role("link", name="Older").click()
    expect(rows(page).last.locator("a.name")).to_have_attribute("href", f"/jobs/{OLD}/")


@pytest.mark.usefixtures("letters")
def test_an_empty_list_says_why_and_what_to_do(site: Site, visit: Visit) -> None:
    page = visit("operator")
    page.goto("/jobs/?q=sort_letters&state=RETRY")
    expect(page.get_by_role("heading", name="No job fits")).to_be_visible()
    expect(page.get_by_role("link", name="Look 7 days back")).to_be_visible()
    page.get_by_role("link", name="Clear the filter").click()
    expect(rows(page)).to_have_count(PAGE_SIZE)

    newcomer = visit("barbara", site_url=site.closed_url)
    newcomer.goto("/jobs/")
    expect(newcomer.get_by_role("heading", name="No jobs in the last 24 hours")).to_be_visible()
    newcomer.get_by_role("link", name="Look 7 days back").click()
    expect(newcomer.get_by_role("heading", name="No jobs in the last 7 days")).to_be_visible()

    stranger = visit(site_url=site.closed_url)
    stranger.goto("/jobs/")
    expect(stranger).to_have_url(re.compile(r"/sign-in/\?next=/jobs/$"))


def test_keys_search_help_and_refresh_and_stay_letters_where_somebody_types(visit: Visit) -> None:
    page = visit("operator")
    page.goto("/jobs/")
    page.keyboard.press("/")
    search = page.get_by_label("Search")
    expect(search).to_be_focused()
    expect(search).to_have_value("")
    page.keyboard.type("r?/")
    expect(search).to_have_value("r?/")
    help_dialog = page.get_by_role("dialog", name="Keys")
    expect(help_dialog).to_have_count(0)

    search.blur()
    page.keyboard.press("?")
    expect(help_dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(help_dialog).to_have_count(0)
    with page.expect_event("load"):
        page.keyboard.press("r")
    page.get_by_role("button", name="Keys").click()
    help_dialog.get_by_role("button", name="Close").click()
    expect(help_dialog).to_have_count(0)


def test_the_first_tab_stop_skips_to_the_content(visit: Visit) -> None:
    page = visit()
    page.goto("/reports/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def rows(page: Page) -> Locator:
    return page.locator("table.list tbody tr")


def ids(page: Page) -> list[str]:
    links = rows(page).locator("a.name")
    expect(links).not_to_have_count(0)
    hrefs: list[str] = links.evaluate_all("all => all.map((link) => link.pathname)")
    return [re.sub(r"^/jobs/(.+)/$", r"\1", href) for href in hrefs]


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)
