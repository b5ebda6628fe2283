"""An operator tends what failed and what was set aside, with and without scripts."""

import pytest
from playwright.sync_api import expect

from tests.browser import inside
from tests.browser.conftest import Visit
from tests.browser.site import Site


@pytest.mark.parametrize("has_scripts", [True, False])
def test_ticked_jobs_are_retried_once_that_is_confirmed(
    site: Site, visit: Visit, *, has_scripts: bool
) -> None:
    prefix = f"ticked-{has_scripts}"
    kind = f"TickedError{has_scripts}"
    for number in (1, 2, 3):
        site.call(inside.add_failed_job, f"{prefix}-{number}", error_type=kind)
    page = visit("operator", java_script_enabled=has_scripts)
    page.goto("/dead-letters/")
    page.get_by_label("Error").fill(kind)
    page.get_by_role("button", name="Show").click()
    boxes = page.locator("tbody input[type=checkbox]")
    expect(boxes).to_have_count(3)
    if has_scripts:
        page.get_by_label("Tick all on this page").check()
        assert all(box.is_checked() for box in boxes.all())
        boxes.first.uncheck()
    else:
        expect(page.get_by_label("Tick all on this page")).to_be_hidden()
        boxes.nth(1).check()
        boxes.nth(2).check()
    left = boxes.first.get_attribute("value")
    page.get_by_role("button", name="Retry…").click()
    expect(page.get_by_role("heading", name="Retry 2 jobs?")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("2 jobs are queued again.")).to_be_visible()
    expect(boxes).to_have_count(1)
    assert boxes.first.get_attribute("value") == left
    states = {n: site.call(inside.state_of, f"{prefix}-{n}") for n in (1, 2, 3)}
    assert sorted(states.values()) == ["FAILURE", "QUEUED", "QUEUED"]


def test_all_that_fit_are_discarded_and_one_can_go_back(site: Site, visit: Visit) -> None:
    for number in (1, 2):
        site.call(inside.add_failed_job, f"fitting-{number}", error_type="FittingError")
    page = visit("operator")
    page.goto("/dead-letters/?error_type=FittingError")
    page.get_by_text("All that fit").click()
    page.get_by_role("button", name="Discard…").click()
    expect(page.get_by_role("heading", name="Discard 2 jobs?")).to_be_visible()
    page.get_by_role("main").get_by_role("link", name="Back").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_text("All that fit").click()
    page.get_by_role("button", name="Discard…").click()
    expect(page.get_by_role("heading", name="Discard 2 jobs?")).to_be_visible()
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("heading", name="No dead letter fits")).to_be_visible()
    assert site.call(inside.is_discarded, "fitting-1")
    assert site.call(inside.is_discarded, "fitting-2")


def test_a_failed_job_is_discarded_and_retried_on_its_page(site: Site, visit: Visit) -> None:
    site.call(inside.add_failed_job, "on-its-page")
    page = visit("operator")
    page.goto("/jobs/on-its-page/")
    page.get_by_text("Discard", exact=True).click()
    page.get_by_role("button", name="Let it rest").click()
    expect(page.get_by_text("it waits for nobody now")).to_be_visible()
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_role("heading", name="Queued")).to_be_visible()
    assert site.call(inside.state_of, "on-its-page") == "QUEUED"


def test_a_set_aside_message_shows_its_bytes_and_is_discarded(site: Site, visit: Visit) -> None:
    site.call(inside.set_aside, "It came to be discarded.")
    page = visit("operator")
    page.goto("/set-aside/")
    page.get_by_role("link", name="It came to be discarded.").click()
    expect(page.get_by_label("Body in hexadecimal")).to_contain_text("7b 22 61 72 67 73")
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save all").click()
    assert saved.value.path().read_bytes().startswith(b'{"args": [1, 2\x00\x01')
    page.get_by_text("Discard", exact=True).click()
    page.get_by_role("button", name="Discard for good").click()
    expect(page.get_by_text("The message is discarded.")).to_be_visible()
    expect(page.get_by_role("link", name="It came to be discarded.")).to_have_count(0)
