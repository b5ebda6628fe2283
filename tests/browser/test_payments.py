"""Paying by clicks: "Thank you" at once, and the settlement comes to the page by itself."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.site import Site

PAYMENT = re.compile(r"/tricks/payments/[0-9a-f-]{36}/$")


@pytest.fixture
def before(site: Site) -> dict[str, int]:
    """What the gateway had counted before the test."""
    return site.installation.charged


def since(site: Site, before: dict[str, int]) -> dict[str, int]:
    return {name: count - before[name] for name, count in site.installation.charged.items()}


def test_pay_leads_to_thank_you_at_once_and_the_page_settles_by_itself(
    site: Site, visit: Visit, before: dict[str, int]
) -> None:
    site.installation.spoil_gateway({"kind": "slow", "seconds": 4.0, "times": 1})
    page = visit()
    fill_in(page, "12.50", "Order one").click()
    expect(page).to_have_url(PAYMENT)
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    expect(state(page)).not_to_have_text("Settled")
    expect(state(page)).to_have_text("Settled")
    expect(page.locator("#announcer")).to_have_text("The payment is now: Settled.")
    expect(page.locator("#job")).to_contain_text("12.50 EUR")
    assert since(site, before)["charges"] == 1
    page.get_by_role("link", name="The job that charges it").click()
    expect(page.locator("#job h2.big-state")).to_have_text("Succeeded")


def test_pressing_twice_and_reloading_pay_once(
    site: Site, visit: Visit, before: dict[str, int]
) -> None:
    page = visit()
    fill_in(page, "3.00", "Order two").dblclick()
    expect(page).to_have_url(PAYMENT)
    address = page.url
    page.reload()
    expect(state(page)).to_have_text("Settled")
    page.goto("/tricks/payments/")
    expect(page.get_by_role("link", name="Order two")).to_have_count(1)
    page.get_by_role("link", name="Order two").click()
    expect(page).to_have_url(address)
    assert since(site, before)["charges"] == 1


def test_going_back_brings_a_new_form_and_thus_another_payment(
    site: Site, visit: Visit, before: dict[str, int]
) -> None:
    page = visit()
    fill_in(page, "4.00", "Order three").click()
    expect(page).to_have_url(PAYMENT)
    first = page.url
    page.go_back()
    page.get_by_role("button", name="Pay").click()
    expect(page).to_have_url(PAYMENT)
    assert page.url != first
    expect(state(page)).to_have_text("Settled")


def test_a_declined_payment_says_why_in_one_sentence(visit: Visit) -> None:
    page = visit()
    fill_in(page, "10.13", "Order four").click()
    expect(state(page)).to_have_text("Declined")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not paid")
    sentence = "The stand-in declines amounts that end in 13."
    expect(page.locator(".error-line")).to_have_text(sentence)


def test_an_amount_that_cannot_be_is_refused_beside_the_form(visit: Visit) -> None:
    page = visit(expects="400")
    fill_in(page, "twelve", "Order five").click()
    expect(page.get_by_role("alert")).to_have_text('Amount "twelve" is not a number like 12.50.')
    page.get_by_label("Amount").fill("12")
    page.get_by_role("button", name="Pay").click()
    expect(page).to_have_url(PAYMENT)


def test_the_start_pages_button_runs_it(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    page.locator(".example", has_text="Frozen payments").get_by_role("button").click()
    expect(page).to_have_url(PAYMENT)
    expect(state(page)).to_have_text("Settled")


def test_without_javascript_the_page_refreshes_itself_until_the_settlement(
    site: Site, visit: Visit
) -> None:
    site.installation.spoil_gateway({"kind": "slow", "seconds": 4.0, "times": 1})
    page = visit(java_script_enabled=False)
    fill_in(page, "6.00", "Order six").click()
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(1)
    expect(state(page)).to_have_text("Settled")
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)


def test_somebody_else_does_not_find_it_and_an_operator_does(visit: Visit) -> None:
    page, other = visit(), visit(expects="404")
    fill_in(page, "8.00", "Order seven").click()
    expect(page).to_have_url(PAYMENT)
    answer: Any = other.goto(page.url)
    assert answer.status == 404
    operator = visit("operator")
    operator.goto("/tricks/payments/")
    expect(operator.get_by_role("link", name="Order seven")).to_be_visible()
    expect(state(page)).to_have_text("Settled")


def fill_in(page: Page, amount: str, reference: str) -> Locator:
    """The form, filled in; its button."""
    page.goto("/tricks/payments/")
    page.get_by_label("Amount").fill(amount)
    page.get_by_role("radio", name="EUR").check()
    page.get_by_label("Reference").fill(reference)
    return page.get_by_role("button", name="Pay")


def state(page: Page) -> Locator:
    return page.locator("#job h2.big-state")
