"""One browser and one running installation for all tests of this folder.

The fixtures of pytest-playwright are overridden to end with this folder: while Playwright runs,
its event loop keeps Django in the same process from using the database.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    BrowserType,
    Page,
    Playwright,
    expect,
    sync_playwright,
)

from tests.browser.chromium import launch_arguments
from tests.browser.site import Site
from tests.browser.watch import Watch
from tests.plugins.stacks import STACKS

#: Milliseconds. Generous: the machine may be busy with other tests.
PATIENCE = 30_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker of xdist runs them all, so that there is one installation."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        yield playwright


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    return launch_arguments()


@pytest.fixture(scope="package")
def browser_type(playwright: Playwright) -> BrowserType:
    return playwright.chromium


@pytest.fixture(scope="package")
def browser(
    browser_type_launch_args: dict[str, Any], browser_type: BrowserType
) -> Iterator[Browser]:
    browser = browser_type.launch(**browser_type_launch_args)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def site(
    browser_type_launch_args: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("browser"))
    yield site
    site.stack.close()


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest, site: Site) -> Iterator[None]:
    """Each test begins with a GitHub that behaves well, and fails with the processes' logs."""
    request.node.stash[STACKS] = [site.stack]
    yield
    site.installation.heal()


Visit = Callable[..., Page]


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, browser: Browser, site: Site, tmp_path: Path
) -> Iterator[Visit]:
    """Opens a browser of its own for a visitor: ``visit()``, ``visit("ada")``, ``visit(operator)``.

    Nothing may go wrong unseen in any of them; a failed test leaves their screenshots.
    """
    watches: list[Watch] = []

    def open_page(
        name: str = "", *, site_url: str = site.url, expects: str = "", **options: Any
    ) -> Page:
        context = browser.new_context(base_url=site_url, **options)
        context.set_default_timeout(PATIENCE)
        has_scripts = bool(options.get("java_script_enabled", True))
        watches.append(Watch(context, site_url, has_scripts=has_scripts))
        if expects:
            watches[-1].expect(expects)
        if name:
            site.sign_in(context, name, is_operator=name == "operator")
        return context.new_page()

    yield open_page
    try:
        if request.node.rep_call.failed:
            take_screenshots([watch.context for watch in watches], tmp_path)
        problems = [problem for watch in watches for problem in watch.problems]
    finally:
        for watch in watches:
            watch.context.close()
    assert not problems


def take_screenshots(contexts: list[BrowserContext], folder: Path) -> None:
    pages = [page for context in contexts for page in context.pages]
    for number, page in enumerate(pages, start=1):
        page.screenshot(path=folder / f"page{number}.png", full_page=True)
