"""Schedules, as an operator keeps them."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit

NAME = "Languages on Tuesday"


def test_a_schedule_is_created_paused_resumed_submitted_and_deleted(visit: Visit) -> None:
    page = visit("operator")
    page.goto("/schedules/")
    page.get_by_role("link", name="New schedule").click()
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


def test_what_is_wrong_with_a_schedule_is_said_and_the_rest_stays_filled_in(visit: Visit) -> None:
    page = visit("operator", expects="400")
    page.goto("/schedules/")
    page.get_by_role("link", name="New schedule").click()
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


def card(page: Page) -> Locator:
    return page.get_by_role("region", name=NAME)
