"""The main job, as a person does it: click, watch, download; and what may come in between."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.acceptance.expected import expected_rows, matching, read_back
from tests.browser.conftest import Visit
from tests.browser.site import Site

JOB = re.compile(r"/jobs/[0-9a-f-]{36}/$")
#: Keeps every value and note that the progress bar showed, for as long as the page is open.
RECORD_PROGRESS = """
window.seen = {values: [], notes: []};
const keep = (list, value) => value && list.at(-1) !== value && list.push(value);
new MutationObserver(() => {
  keep(seen.values, document.querySelector(".meter progress")?.getAttribute("value"));
  keep(seen.notes, document.querySelector(".meter span")?.textContent);
}).observe(document, {childList: true, subtree: true, attributes: true});
"""


def test_a_click_leads_to_a_job_that_moves_and_ends_with_the_focused_download(
    site: Site, visit: Visit
) -> None:
    site.slow_down()
    page = visit()
    page.add_init_script(RECORD_PROGRESS)
    page.goto("/reports/hot-repos/")
    page.get_by_role("button", name="Generate report").click()
    expect(page).to_have_url(JOB)
    address = page.url
    expect(state(page)).to_have_text("Running")
    expect(download(page)).to_be_focused()
    expect(state(page)).to_have_text("Succeeded")
    expect(page.locator("#announcer")).to_have_text("The job is now: Succeeded.")

    seen = page.evaluate("() => seen")
    values = [int(value) for value in seen["values"]]
    assert values[0] == 0
    assert values == sorted(values)
    assert len(values) >= 4, f"the bar moved only over {values}"
    assert [note for note in seen["notes"] if re.match(r"[1-4] of 5 pages .* [\d,]+ stars", note)]

    assert read_back(save_download(page)) == expected_rows("week", "topic")
    show_the_same(page, visit(), address)


def show_the_same(page: Page, other_visitor: Page, address: str) -> None:
    """After a reload, and to somebody else on this machine."""
    page.reload()
    other_visitor.goto(address)
    for one in (page, other_visitor):
        expect(state(one)).to_have_text("Succeeded")
        expect(download(one)).to_be_visible()
        rows = one.get_by_role("table").filter(has_text="Repository").locator("tbody tr")
        names = [item["full_name"] for item in matching("week")[:10]]
        expect(rows.locator(".name")).to_have_text(names)
        bars = one.locator("table.bars svg rect:last-child")
        expect(bars).to_have_count(10)
        assert bars.first.get_attribute("width") == "100.00%"
        parts = one.locator("section").filter(has=one.get_by_role("heading", name="Parts"))
        expect(parts.locator("tbody tr")).to_have_text(
            [re.compile(r"Succeeded.* s\s*$", re.DOTALL)] * 5
        )
        links = one.locator("main a[href*='://']").evaluate_all("all => all.map((a) => a.href)")
        assert len(links) == 10
        assert all(link.startswith("https://github.com/") for link in links)


def test_the_same_question_again_leads_to_the_same_job(visit: Visit) -> None:
    page, other = visit(), visit()
    for one in (page, other):
        ask(one, period="Day")
        expect(download(one)).to_be_visible()
    assert page.url == other.url


def test_a_cancelled_report_says_so(site: Site, visit: Visit) -> None:
    site.installation.spoil({"kind": "slow", "seconds": 4.0})
    page = visit()
    ask(page, period="Month")
    expect(state(page)).to_have_text("Running")
    page.get_by_role("button", name="Cancel").click()
    expect(state(page)).to_have_text("Cancelled")
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(download(page)).to_have_count(0)
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_a_failed_report_says_why_in_one_sentence_and_can_be_retried(
    site: Site, visit: Visit
) -> None:
    site.installation.spoil({"kind": "401"})
    page = visit()
    ask(page, period="Week", up_to="2026-05-03")
    expect(state(page)).to_have_text("Failed")
    sentence = "GitHub refused the token (401 Bad credentials); check GITHUB_OAUTH."
    expect(page.locator(".error-line")).to_have_text(sentence)
    failed = page.url
    site.installation.heal()
    page.get_by_role("button", name="Retry").click()
    expect(download(page)).to_be_visible()
    assert page.url != failed


def test_an_incomplete_report_names_the_page_that_is_missing(site: Site, visit: Visit) -> None:
    site.installation.spoil({"kind": "500", "page": 3})
    page = visit()
    ask(page, period="Week", up_to="2026-05-02")
    expect(download(page)).to_be_visible()
    sentence = "This report is incomplete: page 3 of five could not be fetched."
    expect(page.locator(".notice.warning")).to_have_text(sentence)


@pytest.mark.parametrize("up_to", ["2027-01-01"])
def test_a_date_that_cannot_be_is_refused_in_one_sentence_beside_the_form(
    visit: Visit, up_to: str
) -> None:
    page = visit(expects="400")
    page.goto("/reports/hot-repos/")
    page.get_by_label("Up to").evaluate("(input) => input.removeAttribute('max')")
    page.get_by_label("Up to").fill(up_to)
    page.get_by_role("button", name="Generate report").click()
    expect(page.get_by_role("alert")).to_contain_text(up_to)
    expect(page.get_by_role("button", name="Generate report")).to_be_visible()


def test_without_javascript_the_page_refreshes_itself_until_the_download_is_there(
    site: Site, visit: Visit
) -> None:
    site.slow_down()
    page = visit(java_script_enabled=False)
    ask(page, period="Week", group_by="Language", button="Make it anew")
    expect(page).to_have_url(JOB)
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(1)
    expect(download(page)).to_be_visible()
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)
    assert read_back(save_download(page)) == expected_rows("week", "language")


def ask(
    page: Page,
    *,
    period: str,
    group_by: str = "Topic",
    up_to: str = "",
    button: str = "Generate report",
) -> None:
    page.goto("/reports/hot-repos/")
    page.get_by_role("radio", name=period).check()
    page.get_by_role("radio", name=group_by).check()
    page.get_by_label("Up to").fill(up_to)
    page.get_by_role("button", name=button).click()


def state(page: Page) -> Locator:
    return page.locator("#job h2.big-state")


def download(page: Page) -> Locator:
    return page.get_by_role("link", name="Download")


def save_download(page: Page) -> bytes:
    with page.expect_download() as started:
        download(page).click()
    return Path(started.value.path()).read_bytes()
