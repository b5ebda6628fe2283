"""What the test of skipped time does in the process of a database's stack."""

import time
from datetime import timedelta
from typing import Any

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.engine.clock import clock
from celery_uncovered.workflows.testing import TimeSkipper
from tests.integration.workflows.cases import defined


def a_month() -> dict[str, Any]:
    """A reminder a day until somebody closes it on the thirtieth, a step that is tried for hours, a nap."""
    posted: list[float] = []
    tries: list[float] = []

    @workflows.step
    def post(text: str) -> str:
        posted.append(days())
        return text

    @workflows.step(retries=3, backoff=timedelta(hours=1), longest=timedelta(days=1))
    def archive() -> int:
        tries.append(days())
        if len(tries) < 3:
            raise ConnectionError(len(tries))
        return len(tries)

    def body() -> list[Any]:
        begun = workflows.now()
        while (closed := workflows.wait_for_event("d27.closed", timeout=timedelta(days=1))) is None:
            post("still open")
        workflows.sleep(timedelta(hours=6))
        child = workflows.start(known["child"]).result()
        return [closed, archive(), child, (workflows.now() - begun).total_seconds() / 86400]

    def child() -> str:
        workflows.sleep_until(clock.now() + timedelta(days=1))
        return "a day later"

    def days() -> float:
        return (clock.now() - beginning).total_seconds() / 86400

    before, beginning = clock.ahead, clock.now()
    started, used = time.monotonic(), time.process_time()
    skip_time = TimeSkipper()
    try:
        with defined(child=child, month=body) as (inner, month):
            known = {"child": inner}
            handle = workflows.start(month)
            skip_time.skip(timedelta(days=29, hours=12))
            in_between = len(posted)
            skip_time.send_event("d27.closed", "merged")
            skip_time.until(lambda: handle.state == "SUCCESS")
            again = skip_time.run(inner)
    finally:
        clock.ahead = before
    return {
        "took": time.monotonic() - started,
        "used": time.process_time() - used,
        "posted": [round(day, 2) for day in posted],
        "in_between": in_between,
        "tries": [round(later - tries[0], 3) for later in tries],
        "result": handle.result(timeout=0),
        "again": again,
    }


def nothing_to_wait_for() -> dict[str, Any]:
    skip_time = TimeSkipper()
    with defined(waiting=lambda: workflows.wait_for_event("d27.never")) as (waiting,):
        handle = workflows.start(waiting)
        try:
            skip_time.until(lambda: handle.state == "SUCCESS")
        except AssertionError as error:
            said = str(error)
        workflows.cancel(handle.id)
    return {"said": said}
