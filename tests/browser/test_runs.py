"""Runs on real workers, and what their pages say: why each does not move, since when, what ends it."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import inside, runs_inside
from tests.browser.axe import violations
from tests.browser.conftest import Visit
from tests.stacks import EMBEDDED, Running, Stack

#: Seconds. Workers have to start on a machine that is busy.
PATIENCE = 90
AGO, IN = r"(just now|\d+ (s|min) ago)", r"in \d+ (s|min|h|d)"


class Runs:
    """An installation with test workflows; its default worker can be ended and started."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        # A worker tells twice in a lease from which queues it takes.
        stack.env["JOBS_LEASE_SECONDS"] = "12"
        stack.start("dispatcher")
        self.url = stack.start("web", timeout=PATIENCE).url
        self.worker = self.start_worker()

    def start_worker(self) -> Running:
        return self.stack.start("worker", "-Q", "default", "--concurrency", "1", timeout=PATIENCE)

    def call(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self.stack.call(function, *args, **options)

    def start(self, name: str, *args: Any) -> str:
        run_id: str = self.call(runs_inside.start, name, *args)
        return run_id

    def wait_until(self, run_id: str, state: str) -> str:
        """The run's id, once it has this state."""
        self.stack.wait_for(
            lambda: self.call(runs_inside.state_of, run_id) == state, PATIENCE, f"it is {state}"
        )
        return run_id

    def waiting(self, name: str, *args: Any) -> str:
        return self.wait_until(self.start(name, *args), "WAITING")

    def open(self, visit: Visit, path: str, **options: Any) -> Page:
        page = visit(site_url=self.url, **options)
        key = self.call(inside.session_of, "operator", is_operator=True)
        page.context.add_cookies([{"name": "sessionid", "value": key, "url": self.url}])
        page.goto(path)
        return page


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    stack = Stack(EMBEDDED, tmp_path_factory.mktemp("runs"))
    try:
        yield Runs(stack)
    finally:
        stack.close()


@pytest.fixture(autouse=True)
def worked(runs: Runs) -> None:
    """A test may have ended the worker, or paused the queue."""
    runs.call(runs_inside.resume, "default")
    if not runs.worker.is_running:
        runs.worker = runs.start_worker()


@dataclass(frozen=True, kw_only=True)
class Still:
    """How a run is brought to stand still, and the sentence that its page has then."""

    bring: Callable[[Runs], str]
    sentence: str


def sleep(runs: Runs) -> str:
    return runs.waiting("sleep_for", 3600.0)


def wait_for_an_event(runs: Runs) -> str:
    return runs.waiting("wait_for_go", "alone")


def wait_for_a_child(runs: Runs) -> str:
    run_id = runs.waiting("wait_for_child", "child")
    runs.stack.wait_for(
        lambda: runs.call(runs_inside.child_of, run_id), PATIENCE, "the child waits too"
    )
    return run_id


def wait_to_try_again(runs: Runs) -> str:
    return runs.waiting("fail_slowly", "no answer")


def have_a_paused_queue(runs: Runs) -> str:
    """Its worker is alive, and so is the dispatcher."""
    runs.call(runs_inside.pause, "default")
    return runs.wait_until(runs.start("walk", "paused", 1), "READY")


def have_no_worker_for_the_queue(runs: Runs) -> str:
    return runs.wait_until(runs.start("walk_in_io", "io"), "READY")


def be_blocked(runs: Runs) -> str:
    """Its code is changed while it waits."""
    run_id = runs.waiting("change", "changed")
    (runs.stack.folder / "data" / "deployed").touch()
    runs.call(runs_inside.send, "go:changed")
    return runs.wait_until(run_id, "BLOCKED")


def become_a_dead_letter(runs: Runs) -> str:
    """Each process that takes it up dies of it."""
    return runs.wait_until(runs.start("crash", "never"), "DEAD")


def have_no_worker(runs: Runs) -> str:
    kill(runs.worker)
    return runs.wait_until(runs.start("walk", "nobody", 1), "READY")


def lose_the_worker(runs: Runs) -> str:
    run_id = runs.wait_until(runs.start("hold_then_walk", "lost"), "RUNNING")
    notes = runs.stack.folder / "data" / "notes"
    runs.stack.wait_for(
        lambda: notes.exists() and "gate-lost begins" in notes.read_text(),
        PATIENCE,
        "the step begins",
    )
    kill(runs.worker)
    # Whoever takes it over is not held up.
    (runs.stack.folder / "data" / "gate-lost").touch()
    return run_id


STILL = {
    "timer": Still(bring=sleep, sentence=rf"Its sleep began {AGO} and ends by itself {IN}\."),
    "event": Still(
        bring=wait_for_an_event,
        sentence=rf"It began to wait for the event “go:alone” {AGO} and goes on when that event is"
        r" sent\.",
    ),
    "child": Still(
        bring=wait_for_a_child,
        sentence=rf"It began to wait for the run Wait for go {AGO} and goes on when that run, which"
        r" is waiting, ends\.",
    ),
    "backoff": Still(
        bring=wait_to_try_again,
        sentence=rf"Attempt 1 of its step “fail” failed {AGO} \(ConnectionError: no answer\), and"
        rf" the next one begins by itself {IN}\.",
    ),
    "paused queue": Still(
        bring=have_a_paused_queue,
        sentence=rf"It became ready {AGO}, but its queue “default” was paused by ada {AGO} \(the"
        r" printer burns\); it goes on when somebody resumes the queue\.",
    ),
    "queue that no worker takes from": Still(
        bring=have_no_worker_for_the_queue,
        sentence=rf"It became ready {AGO}, but the one worker that is alive takes jobs from"
        r" “default” only; it goes on when one takes jobs from its queue “io”\.",
    ),
    "blocked": Still(
        bring=be_blocked,
        sentence=rf'It was blocked {AGO} because the history has "act#1" with other arguments than'
        r" the code calls it with: deploy code that fits \(patched\(\) keeps the old path for runs"
        r" that took it\), and it goes on by itself\.",
    ),
    "dead letter": Still(
        bring=become_a_dead_letter,
        sentence=rf"It became a dead letter {AGO} because its worker process died 5 times in a row"
        r" over it; it goes on when you resume it, once the cause is mended\.",
    ),
    "worker lost": Still(
        bring=lose_the_worker,
        sentence=rf"The worker that took it up {AGO} is gone, and no other one is alive; it goes on"
        r" when one is started\.",
    ),
    "no worker": Still(
        bring=have_no_worker,
        sentence=rf"It became ready {AGO}, but no worker is alive; it goes on when one is"
        r" started\.",
    ),
}


@pytest.mark.parametrize("cause", STILL)
def test_one_sentence_says_why_a_run_does_not_move_since_when_and_what_ends_it(
    visit: Visit, runs: Runs, cause: str
) -> None:
    run_id = STILL[cause].bring(runs)
    page = runs.open(visit, f"/workflows/{run_id}/")
    sentence = page.locator("#standing")
    expect(sentence).to_have_count(1)
    expect(sentence).to_have_text(re.compile(rf"^\s*{STILL[cause].sentence}\s*$"))
    since = sentence.locator("time").first
    assert since.get_attribute("datetime") in runs.call(runs_inside.since, run_id)
    assert re.search(r"\d\d?:\d\d:\d\d", since.get_attribute("title") or "")
    assert not violations(page)


def test_a_queue_that_workers_were_told_to_leave_alone_is_named(visit: Visit, runs: Runs) -> None:
    """Celery's own way to pause one, while workers run."""
    control(runs, "cancel_consumer", "default")
    run_id = runs.start("walk", "paused", 1)
    page = runs.open(visit, f"/workflows/{run_id}/")
    sentence = page.locator("#standing")
    expect(sentence).to_have_text(
        re.compile(
            rf"^\s*It became ready {AGO}, but the one worker that is alive takes jobs from no queue;"
            r" it goes on when one takes jobs from its queue “default”\.\s*$"
        )
    )
    control(runs, "add_consumer", "default")
    expect(page.locator(".big-state")).to_have_text("Succeeded")


def test_an_event_is_sent_without_scripts_and_what_is_no_json_is_refused(
    visit: Visit, runs: Runs
) -> None:
    run_id = runs.waiting("wait_for_go", "plain")
    page = runs.open(visit, f"/workflows/{run_id}/", java_script_enabled=False, expects="400")
    page.get_by_role("link", name="Send event…").click()
    page.get_by_label("Payload").fill("{by: ada}")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("The payload is not JSON: expecting property")
    expect(page.get_by_label("Payload")).to_have_value("{by: ada}")
    page.get_by_label("Payload").fill('{"by": "ada"}')
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").first).to_have_text("The event “go:plain” is sent.")
    runs.wait_until(run_id, "SUCCESS")
    assert runs.call(runs_inside.result_of, run_id)[0] == {"by": "ada"}
    page.goto(f"/workflows/{run_id}/")
    expect(page.locator("#standing")).to_have_text(re.compile(rf"It succeeded {AGO}\."))


def test_a_page_that_is_open_follows_its_run_and_keeps_what_is_unfolded(
    visit: Visit, runs: Runs
) -> None:
    run_id = runs.waiting("wait_for_go", "watched")
    page = runs.open(visit, f"/workflows/{run_id}/?show=full")
    page.locator("#arguments summary").click()
    expect(page.locator(".values")).to_contain_text("watched is about to wait")
    runs.call(runs_inside.send, "go:watched", {"by": "ada"})
    expect(page.locator(".big-state")).to_have_text("Succeeded")
    expect(page.locator("#announcer")).to_have_text("The run is now: Succeeded.")
    expect(page.get_by_role("row").filter(has_text="event go:watched")).to_contain_text("Came")
    expect(page.get_by_label("Result", exact=True)).to_contain_text("watched:after")


def test_a_run_is_cancelled_resumed_and_forked_by_clicks(visit: Visit, runs: Runs) -> None:
    run_id = runs.waiting("wait_for_child", "steered")
    page = runs.open(visit, f"/workflows/{run_id}/")
    child = page.locator("#standing").get_by_role("link")
    expect(child).to_have_text("Wait for go")
    page.get_by_text("Cancel", exact=True).click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator(".big-state")).to_have_text("Cancelled")
    expect(page.get_by_role("region", name="Children")).to_contain_text("Cancelled")
    page.get_by_role("region", name="Children").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Wait for go")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".big-state")).to_have_text("Waiting")
    page.get_by_role("link", name="Full history").click()
    page.get_by_role("link", name=re.compile("Fork from here ?: act")).click()
    expect(page.get_by_label("Begin again with")).to_have_value("1")
    page.get_by_role("button", name="Fork").click()
    expect(page.get_by_role("status").first).to_contain_text("This is the fork")
    expect(page.locator(".big-state")).to_have_text("Waiting")
    expect(page.get_by_text("Forked from")).to_be_visible()
    page.get_by_role("link", name="Full history").click()
    expect(page.get_by_role("row").filter(has_text="stage")).to_contain_text("copied by the fork")


def test_the_list_leads_to_runs_and_is_filtered(visit: Visit, runs: Runs) -> None:
    run_id = runs.waiting("wait_for_go", "listed")
    page = runs.open(visit, "/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Workflows").click()
    page.get_by_label("State").select_option(label="Waiting")
    page.get_by_label("Workflow").select_option(label="tests.support.app.workflows.wait_for_go")
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row").filter(has_text="go:listed")
    expect(row).to_contain_text("Waits for the event “go:listed”")
    row.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/workflows/{run_id}/$"))


def kill(worker: Running) -> None:
    """The main process and its children, at once."""
    children = worker.children()
    worker.kill()
    for child in children:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def control(runs: Runs, act: str, queue: str) -> None:
    """``celery control``, until the worker has said that it takes from the queue, or does not."""

    def is_told() -> bool:
        return (queue in runs.call(runs_inside.queues_taken_from)) == (act == "add_consumer")

    runs.call(runs_inside.control, act, queue)
    runs.stack.wait_for(is_told, PATIENCE, f"{act} {queue} is told")
