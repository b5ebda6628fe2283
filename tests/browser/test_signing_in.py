"""Signing in by the link that works once, and what is closed to those who have not."""

import re

import requests
from playwright.sync_api import Locator, Page, expect

from tests.browser import inside
from tests.browser.conftest import Visit
from tests.browser.site import Site


def test_the_link_signs_in_once_by_its_button_and_a_preview_does_not_use_it_up(
    site: Site, visit: Visit
) -> None:
    link = site.call(inside.sign_in_link, site.url)
    for _ in range(2):
        assert requests.get(link, timeout=30).status_code == 200
    page, late = visit(), visit(expects="400")
    page.goto(link)
    sign_in(page).click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert "token" not in page.url

    late.goto(link)
    sign_in(late).click()
    expect(late.get_by_role("alert")).to_contain_text(
        "This link has been used, or is older than ten minutes."
    )
    expect(late.get_by_role("button", name="Sign out")).to_have_count(0)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto("/schedules/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/schedules/$"))


def test_a_closed_site_asks_for_sign_in_and_leads_back(site: Site, visit: Visit) -> None:
    site.call(inside.add_person, "ada", "swordfish-42")
    page = visit(site_url=site.closed_url, expects="400")
    page.goto("/reports/hot-repos/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next=/reports/hot-repos/$"))
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    sign_in(page).click()
    expect(page.get_by_role("alert")).to_have_text("Name and password do not fit together.")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("swordfish-42")
    sign_in(page).click()
    expect(page).to_have_url(re.compile(r"/reports/hot-repos/$"))
    expect(page.get_by_role("button", name="Generate report")).to_be_visible()


def test_a_shared_address_of_anothers_job_leads_nowhere_on_a_closed_site(
    site: Site, visit: Visit
) -> None:
    owner = visit("grace", site_url=site.closed_url)
    owner.goto("/reports/hot-repos/")
    owner.get_by_role("radio", name="Day").check()
    owner.get_by_role("radio", name="Language").check()
    owner.get_by_role("button", name="Generate report").click()
    file = owner.get_by_role("link", name="Download").get_attribute("href")
    addresses = [owner.url, f"{owner.url}status/", f"{site.closed_url}{file}"]

    for stranger in (
        visit(site_url=site.closed_url, expects="404"),
        visit("linus", site_url=site.closed_url, expects="404"),
    ):
        for address in addresses:
            answer = stranger.goto(address)
            assert answer
            assert answer.status == 404
            expect(stranger.get_by_role("heading", name="There is nothing here")).to_be_visible()
    operator = visit("operator", site_url=site.closed_url)
    operator.goto(owner.url)
    expect(operator.get_by_role("link", name="Download")).to_be_visible()


def sign_in(page: Page) -> Locator:
    return page.get_by_role("main").get_by_role("button", name="Sign in")
