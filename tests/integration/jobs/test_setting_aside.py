"""What no worker can take is kept with its bytes, and the next message is taken."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.integration.jobs import helpers
from tests.integration.jobs.ledger import Ledger
from tests.stacks import Stack
from tests.support.app import tasks

GOOD = json.dumps([[1, 2], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
ADD = {"task": tasks.add.name, "lang": "py", "retries": 0, "timelimit": [None, None]}
JSON, BINARY = "application/json", "application/octet-stream"
PICKLE = "application/x-python-serialize"
PICKLED = bytes.fromhex("80045d942e")

#: Body, content type and headers of each, and a part of the reason.
BAD: dict[str, tuple[bytes, str, dict[str, Any], str]] = {
    "truncated": (GOOD[:20].encode(), JSON, ADD | {"id": "t"}, "cannot be read"),
    "wrong type": (GOOD.encode(), "text/plain", ADD | {"id": "w"}, "text/plain"),
    "pickle": (PICKLED, PICKLE, ADD | {"id": "p"}, "pickle"),
    "pickle as JSON": (PICKLED, JSON, ADD | {"id": "j"}, "cannot be read"),
    "garbage": (bytes(range(256)) * 9, BINARY, {}, ""),
    "no headers": (GOOD.encode(), JSON, {}, "names no task"),
    "no id": (GOOD.encode(), JSON, ADD, "no id"),
    "id is a number": (GOOD.encode(), JSON, ADD | {"id": 7}, "no id"),
    "task is a list": (GOOD.encode(), JSON, ADD | {"task": [1], "id": "l"}, "no name"),
    "a text": (b'"text"', JSON, ADD | {"id": "s"}, "[args, kwargs, embed]"),
    "null": (b"null", JSON, ADD | {"id": "n"}, "[args, kwargs, embed]"),
    "one part": (b"[1]", JSON, ADD | {"id": "o"}, "[args, kwargs, embed]"),
    "old, without an id": (b'{"task": "x"}', JSON, {}, "no text"),
    "time limit": (GOOD.encode(), JSON, ADD | {"id": "x", "timelimit": "never"}, "ValueError"),
    "due never": (GOOD.encode(), JSON, ADD | {"id": "e", "eta": "never"}, "invalid"),
    "packed": (GOOD.encode(), JSON, ADD | {"id": "c", "compression": "zip"}, "cannot be read"),
    "empty": (b"", JSON, ADD | {"id": "q"}, ""),
    "unknown": (GOOD.encode(), JSON, ADD | {"task": "tests.gone", "id": "u"}, '"tests.gone"'),
}

ROWS = "SELECT id, body, queue, reason, headers, content_type FROM jobs_setaside ORDER BY id"


def send(stack: Stack, body: bytes, kind: str, headers: dict[str, Any]) -> None:
    stack.call(helpers.send_raw, "default", body.hex(), kind, headers)


def wait_for_rows(stack: Stack, count: int) -> list[tuple[Any, ...]]:
    def found() -> list[tuple[Any, ...]] | None:
        rows = stack.query(ROWS)
        return rows if len(rows) >= count else None

    rows = stack.wait_for(found, 40, f"{count} messages are set aside")
    assert rows
    assert len(rows) == count
    return rows


@pytest.mark.behaviour("J23")
def test_what_cannot_be_read_is_set_aside_with_its_bytes_and_the_worker_goes_on(
    stack: Stack, ledger: Ledger
) -> None:
    for body, kind, headers, _ in BAD.values():
        send(stack, body, kind, headers)
    good = ledger.submit(tasks.add, 1, 1)
    worker = stack.start("worker")
    done = ledger.wait_until_final(good)
    assert (done.state, done.result) == ("SUCCESS", "2")

    rows = wait_for_rows(stack, len(BAD))
    # A broker may hand them out in another order.
    kept = {
        (bytes(body), kind, headers_of(text)): reason for _, body, _, reason, text, kind in rows
    }
    for name, (body, kind, headers, part) in BAD.items():
        reason = kept[body, kind, headers_of(json.dumps(headers))]
        assert part in reason, f"{name}: {reason}"
    assert {queue for _, _, queue, *_ in rows} == {"default"}

    # Each was acknowledged: none comes back when the worker is gone.
    worker.signal(signal.SIGTERM)
    worker.popen.wait(30)
    assert ledger.messages() == 0
    assert ledger.count() == 1


def headers_of(text: str) -> str:
    ours = {*ADD, "id", "compression", "eta"}
    return json.dumps({key: value for key, value in json.loads(text).items() if key in ours})


@pytest.mark.behaviour("J23")
def test_a_message_of_the_first_protocol_is_a_job_like_any_other(
    stack: Stack, ledger: Ledger
) -> None:
    body = {"task": tasks.add.name, "id": "first-protocol", "args": [2, 3], "kwargs": {}}
    send(stack, json.dumps(body).encode(), JSON, {})
    stack.start("worker")
    stack.wait_for(lambda: ledger.job("first-protocol"), 40, "it has a row")
    done = ledger.wait_until_final("first-protocol")
    assert (done.state, done.result) == ("SUCCESS", "5")
    assert stack.query(ROWS) == []


@pytest.mark.behaviour("J23")
def test_a_job_whose_task_no_worker_knows_fails_and_runs_when_one_does(
    stack: Stack, ledger: Ledger
) -> None:
    """As in a deployment whose workers are older than its web processes."""
    task_id = ledger.submit(tasks.add, 2, 2)
    foreign = str(stack.call(helpers.send_from_elsewhere, tasks.look.name, "from elsewhere"))
    ledger.wait_until_sent(task_id)
    settings = stack.env["DJANGO_SETTINGS_MODULE"]
    stack.env["DJANGO_SETTINGS_MODULE"] = "config.settings.test"
    old = stack.start("worker")
    stack.env["DJANGO_SETTINGS_MODULE"] = settings
    failed = ledger.wait_until_final(task_id)
    assert (failed.state, failed.error) == (
        "FAILURE",
        f'Task "{tasks.add.name}" is not registered.',
    )
    rows = wait_for_rows(stack, 2)
    old.signal(signal.SIGTERM)
    old.popen.wait(30)

    stack.start("worker")
    for number, *_ in rows:
        stack.call(helpers.send_back, number)
    assert stack.query(ROWS) == []
    done = ledger.wait_for_state(task_id, "SUCCESS")
    assert (done.result, done.attempt) == ("4", 1)
    stack.wait_for(lambda: ledger.job(foreign), 40, "the foreign message has a row")
    assert ledger.wait_until_final(foreign).state == "SUCCESS"


@pytest.mark.behaviour("J23")
def test_a_message_stays_with_the_broker_until_its_row_is_written(
    stack: Stack, ledger: Ledger
) -> None:
    stack.query("ALTER TABLE jobs_setaside RENAME TO elsewhere")
    send(stack, b"{half", JSON, ADD | {"id": "h"})
    worker = stack.start("worker", "--concurrency", "2")
    stack.wait_for(lambda: "is not set aside yet" in worker.tail(), 40, "the write has failed")
    ledger.drain()
    worker.end_signal = signal.SIGKILL
    worker.end()

    second = stack.start("worker", "--concurrency", "2")
    stack.wait_for(lambda: "is not set aside yet" in second.tail(), 60, "it came back")
    stack.query("ALTER TABLE elsewhere RENAME TO jobs_setaside")
    rows = wait_for_rows(stack, 1)
    assert bytes(rows[0][1]) == b"{half"


@pytest.mark.behaviour("J23")
def test_a_file_that_is_no_message_is_set_aside_too(
    embedded_stack: Stack,
) -> None:
    stack, ledger = embedded_stack, Ledger(embedded_stack)
    ledger.messages()
    stray = Path(stack.env["DATA_DIR"], "broker/queues/default/00000000000000000001-stray.json")
    stray.write_bytes(b'{"body": "\xff')
    good = ledger.submit(tasks.add, 1, 1)
    stack.start("worker")
    stack.start("dispatcher")
    assert ledger.wait_until_final(good).state == "SUCCESS"
    (row,) = wait_for_rows(stack, 1)
    assert bytes(row[1]) == b'{"body": "\xff'
    assert "is no message" in row[3]
    aside = Path(stack.env["DATA_DIR"], "broker/set_aside")
    stack.wait_for(lambda: not any(aside.rglob("*.json")), 20, "the file is taken away")
