"""The example of inherited context, by clicks: from the start page, and from its own form."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import Visit

JOB = re.compile(r"/jobs/[0-9a-f-]{36}/$")


def test_run_on_the_start_page_sends_letters_in_japanese(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    card = page.locator(".example").filter(has_text="Letters in your language")
    card.get_by_role("button").click()
    expect(page).to_have_url(JOB)
    expect(letter_to(page, "ada")).to_contain_text("市立図書館")
    expect(letter_to(page, "archive")).to_contain_text("City Library")


def test_letters_are_in_the_language_that_was_chosen_and_an_operator_sees_the_scope(
    visit: Visit,
) -> None:
    page = visit("operator")
    page.goto("/tricks/letters/")
    page.get_by_role("radio", name="Harbour Museum").check()
    page.get_by_label("Language").select_option(label="العربية")
    page.get_by_role("button", name="Write the letters").click()
    expect(page).to_have_url(JOB)
    letter = letter_to(page, "grace")
    expect(letter).to_contain_text("متحف الميناء")
    text = letter.locator("pre")
    expect(text).to_have_attribute("lang", "ar")
    expect(text).to_have_css("direction", "rtl")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator("#arguments summary").click()
    scope = page.get_by_label("Scope", exact=True)
    expect(scope).to_contain_text('"tenant": "museum"')
    expect(scope).to_contain_text('"locale": "ar"')
    assert not violations(page)


def letter_to(page: Page, member: str) -> Locator:
    return page.get_by_role("region", name=f"Letter to {member}@members.example")
