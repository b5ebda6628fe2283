"""Reports by mail: asking, the link in the mail, and leaving."""

import email
import email.policy
import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, Visit
from tests.browser.site import Site


def test_somebody_subscribes_confirms_by_the_link_in_the_mail_and_leaves(
    site: Site, visit: Visit
) -> None:
    page = visit()
    page.goto("/reports/")
    page.get_by_role("link", name="Subscribe").click()
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("radio", name="Month").check()
    page.get_by_role("button", name="Subscribe").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()

    confirm = site.stack.wait_for(lambda: link_in_mail(site), PATIENCE / 1000, "the mail is sent")
    page.goto(confirm)
    page.get_by_role("button", name="Yes, send it").click()
    expect(page.get_by_role("heading", name="You are subscribed")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(
        "ada@example.com gets the report of each month."
    )

    page.goto(confirm.replace("/confirm/", "/leave/"))
    page.get_by_role("button", name="Send no more").click()
    expect(page.get_by_role("heading", name="You have left")).to_be_visible()


def link_in_mail(site: Site) -> str:
    """The path of the link to confirm; empty before the mail is there."""
    for path in site.mails.iterdir():
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        text = message.get_body()
        links = re.findall(r"https?://\S+/confirm/\S+", text.get_content() if text else "")
        if links:
            return str(urlsplit(links[0]).path)
    return ""
