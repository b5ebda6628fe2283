"""What holds on every page: accessible, within the policy, as wide as the window, on one origin.

Policy, console and origin are seen by the watch of the ``visit`` fixture, in all other tests too.
"""

from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from tests.browser import inside, runs_inside
from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.browser.site import Site
from tests.browser.watch import Watch

HEAD = "2026-05-04T12:00:00.123Z"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "STDOUT", "STDERR")
PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1280, height=900)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """``title`` is part of what the browser's tab says."""

    path: str
    title: str
    visitor: str = ""
    status: int = 200


PAGES = {
    "home": Shown(path="/", title="Background jobs you can watch"),
    "home of an operator": Shown(path="/", title="Background jobs", visitor="operator"),
    "report form": Shown(path="/reports/hot-repos/", title="Hot repositories"),
    "reports": Shown(path="/reports/", title="Reports"),
    "subscribe": Shown(path="/reports/subscribe/", title="Reports by mail"),
    "letters": Shown(path="/tricks/letters/", title="Letters in your language"),
    "queued job": Shown(path="/jobs/page-queued/", title="Hot repositories"),
    "running job": Shown(path="/jobs/page-running/", title="Hot repositories"),
    "running job of an operator": Shown(
        path="/jobs/page-running/", title="Hot repositories", visitor="operator"
    ),
    "job that waits to retry": Shown(path="/jobs/page-retry/", title="Hot repositories"),
    "cancelled job": Shown(path="/jobs/page-cancelled/", title="Hot repositories"),
    "failed report": Shown(path="/jobs/{failed}/", title="Hot repositories of the month"),
    "failed report of an operator": Shown(
        path="/jobs/{failed}/", title="Hot repositories of the month", visitor="operator"
    ),
    "finished report": Shown(path="/jobs/{finished}/", title="Hot repositories of the day"),
    "finished report of an operator": Shown(
        path="/jobs/{finished}/", title="Hot repositories of the day", visitor="operator"
    ),
    "job that talks": Shown(path="/jobs/page-talks/", title="Hot repositories"),
    "a log for each task": Shown(path="/tricks/task-log/", title="A log for each task"),
    "jobs": Shown(path="/jobs/?parts=1", title="Jobs", visitor="operator"),
    "queues": Shown(path="/queues/", title="Queues", visitor="operator"),
    "no jobs": Shown(path="/jobs/?q=nothing", title="Jobs", visitor="operator"),
    "failed job of an operator": Shown(
        path="/jobs/page-failed-1/", title="Paint", visitor="operator"
    ),
    "dead letters": Shown(path="/dead-letters/", title="Dead letters", visitor="operator"),
    "no dead letters": Shown(
        path="/dead-letters/?queue=nothing", title="Dead letters", visitor="operator"
    ),
    "set-aside messages": Shown(path="/set-aside/", title="Set-aside messages", visitor="operator"),
    "no set-aside messages": Shown(
        path="/set-aside/?queue=nothing", title="Set-aside messages", visitor="operator"
    ),
    "set-aside message": Shown(
        path="/set-aside/{aside}/", title="Set-aside message", visitor="operator"
    ),
    "set-aside file": Shown(path="/set-aside/{stray}/", title="Set-aside", visitor="operator"),
    "schedules": Shown(path="/schedules/", title="Schedules", visitor="operator"),
    "new schedule": Shown(
        path="/schedules/new/?task=celery_uncovered.toyex.tasks.produce_hot_repo_report_task",
        title="New schedule",
        visitor="operator",
    ),
    "error e-mails": Shown(path="/report-error/", title="Error e-mails"),
    "error e-mails of an operator": Shown(
        path="/report-error/", title="Error e-mails", visitor="operator"
    ),
    "errors": Shown(path="/errors/", title="Errors", visitor="operator"),
    "error": Shown(path="/errors/{error}/", title="Error", visitor="operator"),
    "error mail": Shown(path="/errors/mails/{error_mail}/", title="mail", visitor="operator"),
    "payments": Shown(path="/tricks/payments/", title="Payments", visitor="operator"),
    "accepted payment": Shown(
        path="/tricks/payments/{accepted}/", title="Thank you", visitor="operator"
    ),
    "settled payment": Shown(
        path="/tricks/payments/{settled}/", title="Thank you", visitor="operator"
    ),
    "declined payment": Shown(
        path="/tricks/payments/{declined}/", title="Not paid", visitor="operator"
    ),
    "reminders": Shown(
        path="/advex/reminders/", title="Pull-request reminders", visitor="operator"
    ),
    "waiting pull request": Shown(
        path="/advex/reminders/{pull}/", title="Hello-World#", visitor="operator"
    ),
    "unknown pull request": Shown(
        path="/advex/reminders/{unknown_pull}/", title="Hello-World#", visitor="operator"
    ),
    "choice of a task": Shown(path="/schedules/new/", title="New schedule", visitor="operator"),
    "edit schedule": Shown(
        path="/schedules/{schedule}/edit/", title="Edit schedule", visitor="operator"
    ),
    "schedule": Shown(
        path="/schedules/{schedule}/", title="Every night in Berlin", visitor="operator"
    ),
    "no more schedules": Shown(
        path="/schedules/?after=0:zzz", title="Schedules", visitor="operator"
    ),
    "runs": Shown(path="/workflows/?within=7d", title="Workflows", visitor="operator"),
    "no runs": Shown(path="/workflows/?q=nothing", title="Workflows", visitor="operator"),
    "run": Shown(path="/workflows/{run}/", title="Remind of the pull", visitor="operator"),
    "timeline of a run": Shown(
        path="/workflows/{run}/?show=timeline", title="Remind of the pull", visitor="operator"
    ),
    "history of a run": Shown(
        path="/workflows/{run}/?show=full", title="Remind of the pull", visitor="operator"
    ),
    "blocked run": Shown(
        path="/workflows/{blocked}/", title="Remind of the pull", visitor="operator"
    ),
    "failed run": Shown(
        path="/workflows/{failed_run}/", title="Remind of the pull", visitor="operator"
    ),
    "event for a run": Shown(
        path="/workflows/{run}/event/", title="Send event", visitor="operator"
    ),
    "fork of a run": Shown(path="/workflows/{run}/fork/", title="Fork", visitor="operator"),
    "sign in": Shown(path="/sign-in/", title="Sign in"),
    "sign in by link": Shown(path="/sign-in/?token=any", title="Sign in"),
    "not found": Shown(path="/nothing/", title="There is nothing here", status=404),
}


@pytest.fixture(scope="package")
def gallery(site: Site) -> dict[str, str]:
    """A job in each state; the ids of two reports that were really made."""
    error = "GitHub could not answer for now: it answered 502."
    site.call(inside.add_job, "page-queued", state="QUEUED", age=90)
    running = {"progress_done": 2, "progress_total": 5, "progress_note": "2 of 5 pages fetched"}
    site.call(inside.add_job, "page-running", state="STARTED", **running)
    site.call(inside.add_job, "page-retry", state="RETRY", attempt=1, error=error)
    site.call(inside.add_job, "page-cancelled", state="REVOKED")
    site.call(inside.add_job, "page-talks", state="STARTED", attempt=2)
    for attempt in (1, 2):
        lines = [f"{HEAD} {level} {'words ' * 20}{'x' * 300}" for level in LEVELS]
        site.call(inside.say, "page-talks", *lines, "    and more", attempt=attempt)
    for number in (1, 2, 3):
        site.call(inside.add_failed_job, f"page-failed-{number}")
    schedule = site.call(
        inside.add_schedule, "Every night in Berlin", "30 2 * * *", "Europe/Berlin"
    )
    site.call(inside.add_outcomes, schedule)
    finished = site.installation.report("day", "language", ref_date="2026-05-01")
    site.installation.spoil({"kind": "401"})
    failed = site.installation.report("month", ref_date="2026-05-01")
    site.installation.heal()
    return {
        **site.call(inside.add_error),
        **site.call(runs_inside.add_runs),
        "schedule": str(schedule),
        "finished": finished["task_id"],
        "failed": failed["task_id"],
        "accepted": site.call(inside.add_payment, "ACCEPTED"),
        "settled": site.call(inside.add_payment, "SETTLED"),
        "declined": site.call(inside.add_payment, "DECLINED"),
        "pull": str(site.call(inside.open_pull_request)),
        "unknown_pull": str(site.call(inside.close_unknown_pull_request)),
        "aside": site.call(inside.set_aside, "Its body cannot be read as application/json."),
        "stray": site.call(inside.set_aside, "A file is no message.", is_message=False),
    }


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_and_fits_in_light_and_dark_on_phone_and_desk(
    visit: Visit, gallery: dict[str, str], name: str
) -> None:
    shown = PAGES[name]
    page = visit(shown.visitor, expects="404" if shown.status == 404 else "")
    answer = page.goto(shown.path.format_map(gallery))
    assert answer
    assert answer.status == shown.status
    assert shown.title in page.title()
    for details in page.locator("details").all():
        details.evaluate("(one) => one.open = true")
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert overflow(page) == 0, f"{name} is wider than {size['width']} px"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert not violations(page), f"{name}, {scheme}, {size['width']} px"


def test_the_help_is_accessible_too(visit: Visit) -> None:
    page = visit()
    page.goto("/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert not violations(page)


def test_the_question_before_many_jobs_are_retried_is_accessible_too(
    visit: Visit, gallery: dict[str, str]
) -> None:
    page = visit("operator")
    page.goto("/dead-letters/")
    page.get_by_text("All that fit").click()
    page.get_by_role("button", name="Discard…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("?")
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert overflow(page) == 0
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            assert not violations(page), f"{scheme}, {size['width']} px"


SPOILT = """
<img src="/static/jobs/favicon.svg"><p style="color: red">inline style</p>
<pre id="wide"></pre><script>document.title = "inline script"</script></main>
"""
#: An error that nobody catches, thrown before this is over.
THROW = """() => new Promise((over) => {
  setTimeout(over, 50);
  setTimeout(() => { throw new Error("thrown") });
})"""
WIDEN = "(one) => { one.textContent = 'wide '.repeat(99); one.style.overflow = 'visible' }"


def test_faults_of_each_kind_are_noticed(browser: Browser, site: Site) -> None:
    def spoil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</main>", SPOILT))

    with browser.new_context(base_url=site.url) as context:
        watch = Watch(context, site.url)
        page = context.new_page()
        page.route("**/reports/", spoil)
        page.goto("/reports/")
        page.locator("#wide").evaluate(WIDEN)
        assert overflow(page) > 0
        assert [line for line in violations(page) if line.startswith("image-alt")]
        assert "inline script" not in page.title()
        page.evaluate(THROW)
        page.goto(site.installation.standin.url)
        assert watch.problems
        for directive in ("style-src", "script-src"):
            assert [seen for seen in watch.violations if seen.startswith(directive)]
        assert [seen for seen in watch.errors if "thrown" in seen]
        assert watch.abroad == [f"{site.installation.standin.url}/"]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    width: int = page.evaluate(
        "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return width
