"""Pull-request reminders by clicks: a webhook is sent, its channel fills, and it is archived."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.site import Site

PULL = re.compile(r"/advex/reminders/(\d+)/$")
#: In the channel, without the pull request that each names.
OPENED, MERGED = re.compile(r"^Opened: "), re.compile(r"^Merged by ailisp: ")


def send(page: Page, webhook: str) -> int:
    """Send it for a new pull request; its number."""
    page.goto("/advex/reminders/")
    page.get_by_label("Webhook").select_option(webhook)
    page.get_by_role("button", name="Send").click()
    expect(page).to_have_url(PULL)
    found = PULL.search(page.url)
    assert found
    return int(found[1])


def state(page: Page) -> Locator:
    return page.locator("#job h2.big-state")


def said(page: Page) -> Locator:
    return page.locator("#job ol li")


def test_from_the_start_page_to_the_archive(site: Site, visit: Visit) -> None:
    page = visit("operator")
    page.goto("/")
    page.locator(".example", has_text="Pull-request reminders").get_by_role("button").click()
    expect(page).to_have_url(PULL)
    expect(page.locator(".notice")).to_contain_text("was answered: reminders started.")
    # By itself, without a click.
    expect(state(page)).to_have_text("Waiting")
    expect(said(page)).to_have_text([OPENED])
    page.get_by_role("button", name="Merge it").click()
    expect(page.locator(".notice")).to_contain_text("reminders told to end")
    expect(state(page)).to_have_text("Succeeded")
    expect(said(page)).to_have_text([OPENED, MERGED])
    found = PULL.search(page.url)
    assert found
    assert [one["is_archived"] for one in site.installation.channels_of(int(found[1]))] == [True]


def test_reopened_it_is_reminded_of_in_another_channel(site: Site, visit: Visit) -> None:
    page = visit("operator")
    number = send(page, "opened")
    expect(state(page)).to_have_text("Waiting")
    page.get_by_role("button", name="Close it").click()
    expect(state(page)).to_have_text("Succeeded")
    page.get_by_role("button", name="Reopen it").click()
    expect(state(page)).to_have_text("Waiting")
    expect(said(page)).to_have_text([OPENED])
    assert len(site.installation.channels_of(number)) == 2
    page.get_by_role("button", name="Label it").click()
    expect(page.locator(".notice")).to_contain_text("was answered: ignored.")
    page.get_by_role("link", name="Pull-request reminders").first.click()
    row = page.get_by_role("row").filter(has_text=f"#{number}")
    expect(row).to_contain_text("Waiting")
    expect(row).to_contain_text("2 times")


def test_a_chat_that_is_away_is_one_sentence_and_ends_by_itself(site: Site, visit: Visit) -> None:
    site.installation.spoil_chat({"kind": "503", "method": "conversations.history", "times": 8})
    page = visit("operator")
    send(page, "opened")
    expect(page.locator("#job")).to_contain_text("The chat could not answer for now")
    expect(said(page)).to_have_text([OPENED])


def test_without_javascript_the_page_refreshes_itself(visit: Visit) -> None:
    page = visit("operator", java_script_enabled=False)
    send(page, "opened")
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(1)
    expect(said(page)).to_have_text([OPENED])
    page.get_by_role("button", name="Merge it").click()
    expect(state(page)).to_have_text("Succeeded")
    expect(page.locator("meta[http-equiv=refresh]")).to_have_count(0)


def test_others_have_no_such_page(visit: Visit) -> None:
    page = visit("ada", expects="404")
    page.goto("/")
    expect(page.locator(".example", has_text="Pull-request reminders")).to_have_count(0)
    answer = page.goto("/advex/reminders/")
    assert answer
    assert answer.status == 404
