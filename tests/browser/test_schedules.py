"""Schedules, as an operator keeps them."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser import inside
from tests.browser.conftest import Visit
from tests.browser.site import Site

NAME = "Languages on Tuesday"


def test_a_schedule_is_created_paused_resumed_submitted_and_deleted(visit: Visit) -> None:
    page = visit("operator")
    page.goto("/schedules/")
    page.get_by_role("link", name="New schedule").click()
    page.get_by_role("link", name="Hot repositories report, by mail").click()
    create(page)
    expect(page.get_by_role("status")).to_have_text(f"“{NAME}” is scheduled.")
    expect(card(page)).to_contain_text("At 07:30, only on Tuesday Europe/Berlin")
    expect(card(page)).to_contain_text("period week, group by language")
    expect(card(page).locator(".state")).to_have_text("Active")

    card(page).get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_have_text(f"“{NAME}” is paused.")
    expect(card(page).locator(".state")).to_have_text("Paused")
    card(page).get_by_role("button", name="Resume").click()
    expect(card(page).locator(".state")).to_have_text("Active")

    card(page).get_by_role("button", name="Submit now").click()
    expect(page).to_have_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("by language")
    expect(page.get_by_role("link", name="Download")).to_be_visible()

    page.goto("/schedules/")
    card(page).get_by_text("Delete", exact=True).click()
    card(page).get_by_role("button", name="Delete for good").click()
    expect(page.get_by_role("status")).to_have_text(f"“{NAME}” is deleted.")
    expect(card(page)).to_have_count(0)


def test_a_schedule_is_changed_and_only_the_fields_of_its_rhythm_are_shown(
    visit: Visit, site: Site
) -> None:
    site.call(inside.add_schedule, "To be changed", "5 7 * * *", "Europe/Berlin")
    page = visit("operator")
    page.goto("/schedules/")
    card(page, "To be changed").get_by_role("link", name="Edit").click()
    rhythm = page.get_by_role("group", name="Rhythm")
    expect(rhythm.get_by_label("Day")).to_be_checked()
    expect(page.get_by_label("Time")).to_have_value("07:05")
    expect(page.get_by_label("Weekday")).to_be_hidden()
    rhythm.get_by_label("Crontab").check()
    expect(page.get_by_label("Time")).to_be_hidden()
    page.get_by_role("textbox", name="Crontab").fill("*/20 8-17 * * 1-5")
    page.get_by_label("Zone").fill("Asia/Kathmandu")
    page.get_by_role("group", name="missed").get_by_label("Skip").check()
    page.get_by_label("Late by at most").fill("90")
    page.get_by_role("button", name="Change schedule").click()
    expect(page.get_by_role("status")).to_have_text("“To be changed” is changed.")
    changed = card(page, "To be changed")
    expect(changed).to_contain_text("Every 20 minutes")
    expect(changed).to_contain_text("Asia/Kathmandu")
    expect(changed).to_contain_text("if later than 1 min 30 s")
    expect(changed.get_by_role("list", name="Next five").get_by_role("listitem")).to_have_count(5)


def test_the_last_outcomes_lead_to_their_jobs_and_the_page_tells_the_rest(
    visit: Visit, site: Site
) -> None:
    number = site.call(inside.add_schedule, "With outcomes", "0 * * * *", "UTC")
    site.call(inside.add_outcomes, number)
    page = visit("operator")
    page.goto("/schedules/")
    bars = card(page, "With outcomes").get_by_role("list", name="Last outcomes")
    expect(bars.get_by_role("listitem")).to_have_count(20)
    expect(bars.get_by_role("link")).to_have_count(16)
    expect(card(page, "With outcomes")).to_contain_text("13 succeeded")
    bars.get_by_role("link", name="Failed, due").click()
    expect(page).to_have_url(re.compile(rf"/jobs/outcome-{number}-12/$"))
    page.goto("/schedules/")
    card(page, "With outcomes").get_by_role("link", name="With outcomes").click()
    row = page.get_by_role("row").filter(has_text="Could not be submitted")
    expect(row).to_contain_text('Queue "fast" is not configured')


def test_what_is_wrong_with_a_schedule_is_said_and_the_rest_stays_filled_in(visit: Visit) -> None:
    page = visit("operator", expects="400")
    page.goto("/schedules/")
    page.get_by_role("link", name="New schedule").click()
    page.get_by_role("link", name="Hot repositories report, by mail").click()
    create(page, zone="Europe/Nowhere")
    expect(page.get_by_role("alert")).to_contain_text("Zone “Europe/Nowhere” is not known")
    expect(page.get_by_label("Name")).to_have_value(NAME)
    expect(page.get_by_role("radio", name="Language")).to_be_checked()


def create(page: Page, *, zone: str = "Europe/Berlin") -> None:
    page.get_by_role("group", name="Period").get_by_label("Week").check()
    page.get_by_role("radio", name="Language").check()
    page.get_by_role("group", name="Rhythm").get_by_label("Week").check()
    page.get_by_label("Weekday").select_option("Tuesday")
    page.get_by_label("Time").fill("07:30")
    page.get_by_label("Zone").fill(zone)
    page.get_by_label("Name").fill(NAME)
    page.get_by_role("button", name="Create schedule").click()


def card(page: Page, name: str = NAME) -> Locator:
    return page.get_by_role("region", name=name)
