"""An error on purpose, as a person makes it: click, the error page, and the mail on an operator's page."""

import re
from email import message_from_bytes, policy

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.site import Site

#: A round of mails, and the pause before it if another test has just made an error.
SECONDS = 120
WORDS = "This error was raised on purpose, by the button of /report-error/."


def test_a_click_breaks_a_page_and_an_operator_follows_the_error_to_its_mail(
    site: Site, visit: Visit
) -> None:
    page = visit("operator", expects="500")
    page.goto("/")
    page.get_by_role("button", name=re.compile("Run.*Error e-mails")).click()
    expect(page.get_by_role("heading", name="Something broke")).to_be_visible()
    page.get_by_role("link", name="To the start page").click()
    page.get_by_role("link", name="Error e-mails").click()
    site.stack.wait_for(lambda: has_mail(page), SECONDS, "the error has a mail")
    page.get_by_role("link", name=WORDS).click()
    expect(page.locator(".error-line")).to_contain_text(WORDS)
    expect(page.get_by_label("Traceback")).to_contain_text("in _fail")
    page.get_by_role("region", name="Mails").get_by_role("link").first.click()
    text = page.get_by_label("The mail's text")
    expect(text).to_contain_text(WORDS)
    expect(text).to_contain_text("POST /report-error/")
    expect(text).to_contain_text("Cookie: ********")
    assert any(WORDS in mail for mail in mails(site))


def test_a_visitor_gets_the_explanation_and_the_error_and_not_the_list(visit: Visit) -> None:
    page = visit(expects="500")
    page.goto("/report-error/")
    expect(page.get_by_role("main")).to_contain_text("an operator sees it here")
    expect(page.get_by_role("heading", name="Errors of the last day")).to_have_count(0)
    page.get_by_role("button", name="Run: raise an error").click()
    expect(page.get_by_role("heading", name="Something broke")).to_be_visible()


def has_mail(page: Page) -> bool:
    page.get_by_role("link", name="Look again").click()
    row = page.get_by_role("row").filter(has_text=WORDS)
    cells = row.get_by_role("cell").all_inner_texts()
    return bool(cells) and cells[-1] != "0"


def mails(site: Site) -> list[str]:
    """What was written to the administrators."""
    files = [path.read_bytes() for path in site.mails.iterdir()]
    found = [message_from_bytes(content, policy=policy.default) for content in files]
    return [str(mail) for mail in found if mail["To"] == "admin@example.org"]
