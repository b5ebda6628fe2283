"""The parts of a batch: the board, what jobs are expected to take, how much is asked for, the child's side."""

import os
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest
from celery import chord, current_app
from celery.result import result_from_tuple
from celery.worker import state
from django.db import DataError
from django.utils import timezone

from celery_uncovered.jobs import finished, statements
from celery_uncovered.jobs.finished import Finished
from celery_uncovered.jobs.messages import decode
from celery_uncovered.jobs.models import Attempt, Job
from celery_uncovered.jobs.node import worker_node
from celery_uncovered.jobs.status import job_attempts
from celery_uncovered.jobs.worker import board as boards
from celery_uncovered.jobs.worker import lost
from celery_uncovered.jobs.worker.active import ActiveBatch
from celery_uncovered.jobs.worker.batch import Batch, Entry, perform_batch
from celery_uncovered.jobs.worker.board import SPOOL, Board, Notice
from celery_uncovered.jobs.worker.durations import SMALL, Durations
from celery_uncovered.jobs.worker.flow import CAUTION_SECONDS, GROWTH, MOST_PER_CHILD, Flow
from celery_uncovered.jobs.worker.gather import Gatherer
from celery_uncovered.jobs.worker.held import Held
from tests.support.app import tasks
from tests.unit.jobs import odd_tasks
from tests.unit.jobs.running import become_a_worker, outcomes_of, state_of


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    become_a_worker()
    laid_out = Board(8)
    monkeypatch.setattr(boards, "_board", laid_out)
    return laid_out


# --- the board -----------------------------------------------------------------------------------
def test_a_slot_tells_what_its_child_wrote(board: Board) -> None:
    slot = board.take_slot(3)
    before = board.read(slot)
    assert (before.pid, before.begun, before.durable, before.kept) == (0, None, 0, 3)
    board.open(slot)
    board.begin(slot, 1)
    board.note_durable(slot, 1)
    board.note_kept(slot, 2)
    notice = board.read(slot)
    assert (notice.pid, notice.begun, notice.durable, notice.kept) == (os.getpid(), 1, 1, 2)
    assert time.monotonic() - notice.begun_at < 20
    assert board.pids() == {os.getpid()}


def test_a_slot_that_is_taken_again_knows_nothing_of_before(board: Board) -> None:
    slot = board.take_slot(3)
    board.open(slot)
    board.begin(slot, 2)
    board.spool(slot, b"line")
    board.recall(slot)
    board.free_slot(slot)
    assert board.pids() == set()
    assert board.take_slot(1) == slot
    assert board.read(slot).begun is None
    assert board.spooled(slot) == []
    assert not board.is_recalled(slot)


def test_results_stay_on_the_board_until_they_are_recorded(board: Board) -> None:
    slot = board.take_slot(9)
    board.spool(slot, b"first")
    board.turn_spool(slot)
    board.spool(slot, b"second")
    assert sorted(board.spooled(slot)) == [b"first", b"second"]
    board.clear_spool(slot)
    assert board.spooled(slot) == [b"second"]


def test_a_board_without_room_says_so(board: Board) -> None:
    slot = board.take_slot(9)
    assert board.spool(slot, b"x" * (SPOOL // 2 - 1))
    assert not board.spool(slot, b"y")
    assert board.spooled(slot) == [b"x" * (SPOOL // 2 - 1)]


def test_a_worker_that_stops_recalls_every_batch(board: Board) -> None:
    slot = board.take_slot(1)
    board.stop()
    assert board.is_recalled(slot)


# --- what jobs take, and how many are asked for ------------------------------------------------------
def test_one_slow_job_among_many_leaves_a_task_small() -> None:
    durations = Durations()
    assert durations.expected("add") is None
    assert durations.is_small("add")
    for _ in range(10):
        durations.learn("add", 0.001)
    durations.learn("add", 0.5)
    assert durations.is_small("add")
    for _ in range(20):
        durations.learn("add", 0.5)
    assert not durations.is_small("add")
    for _ in range(20):
        durations.learn("add", 0.001)
    assert (durations.expected("add") or 0) < SMALL


def test_more_is_asked_for_while_the_children_keep_up(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    consumer: Any = SimpleNamespace(
        initial_prefetch_count=2,
        connection_errors=(OSError,),
        channel_errors=(),
        pool=SimpleNamespace(num_processes=2),
        qos=SimpleNamespace(set=told.append),
        task_consumer=SimpleNamespace(
            cancel=lambda: told.append("cancel"), consume=lambda: told.append("consume")
        ),
    )
    flow = Flow(consumer)
    flow.adapt(unacked=1)
    assert told == []
    flow.adapt(unacked=2)
    assert told == ["cancel", 2 * GROWTH, "consume"]
    for _ in range(9):
        flow.adapt(unacked=10_000)
    assert told[-2] == 2 * MOST_PER_CHILD
    told.clear()

    flow.pause()
    flow.pause()
    flow.adapt(unacked=10_000)
    assert told == ["cancel"]
    flow.resume()
    flow.resume()
    assert told == ["cancel", "cancel", 2, "consume"]
    flow.adapt(unacked=2)
    assert told[-1] == "consume", "it is cautious for a while"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + CAUTION_SECONDS + 1)
    flow.adapt(unacked=2)
    assert told[-2] == 2 * GROWTH


def test_a_broker_that_is_gone_does_not_stop_the_worker() -> None:
    def refuse() -> None:
        raise OSError

    consumer: Any = SimpleNamespace(
        initial_prefetch_count=2,
        connection_errors=(OSError,),
        channel_errors=(),
        pool=SimpleNamespace(num_processes=2),
        task_consumer=SimpleNamespace(cancel=refuse, consume=refuse),
    )
    flow = Flow(consumer)
    flow.adapt(unacked=2)
    flow.pause()
    flow.resume()


def test_what_waits_while_the_worker_ends_is_sent_to_no_pool(board: Board) -> None:
    """The loop calls what is still to be called once the pool has ended."""
    soon: list[Any] = []
    consumer: Any = SimpleNamespace(
        initial_prefetch_count=2,
        hub=SimpleNamespace(call_soon=soon.append, call_later=lambda _, call: soon.append(call)),
        pool=SimpleNamespace(_pool=None, options={}),
    )
    gatherer = Gatherer(consumer, board)
    gatherer.take(SimpleNamespace(headers={}), tasks.add, soon.clear)
    gatherer._tick()
    for call in soon:
        call()
    assert len(soon) == 1, "and is not looked at again"


def test_a_channel_that_the_broker_closed_ends_the_connection() -> None:
    """Otherwise the worker would be connected, and get nothing."""
    ours, theirs = socket.socketpair()

    def refuse() -> None:
        raise LookupError

    consumer: Any = SimpleNamespace(
        initial_prefetch_count=2,
        connection=SimpleNamespace(connection=SimpleNamespace(sock=ours)),
        connection_errors=(OSError,),
        channel_errors=(LookupError,),
        pool=SimpleNamespace(num_processes=2),
        task_consumer=SimpleNamespace(cancel=refuse, consume=refuse),
    )
    with ours, theirs:
        theirs.settimeout(5)
        Flow(consumer).adapt(unacked=2)
        assert theirs.recv(1) == b""


@pytest.mark.usefixtures("committed_ledger")
def test_a_result_on_the_board_that_the_database_never_takes_holds_up_no_other(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(tasks.add.delay(1, 1).id) for _ in range(3)]
    node_id, pid, now = worker_node().id, 1, timezone.now()
    held = [(id_, 1) for id_ in ids]
    statements.claim_many(held, node=node_id, pid=pid, now=now)
    record = statements.finish_many

    def refuse(rows: Any, common: Any) -> Any:
        if any(row["id"] == ids[0] for row in rows):
            raise DataError(ids[0])
        return record(rows, common)

    monkeypatch.setattr(statements, "finish_many", refuse)
    results = [Finished(id_, 1, now, "2", "{}", None, None, None, None, id_) for id_ in ids[:2]]
    notice = Notice(pid=pid, begun=2, begun_at=0.0, done=2, durable=0, kept=3)
    lost.recover_batch(held, notice, results=results, worker="one@here", limit=None)
    assert [outcomes_of(id_) for id_ in ids] == [["LOST"], ["SUCCESS"], ["LOST"]]


# --- the statements, and the child's side ------------------------------------------------------------
def entries(*ids: str, attempt: int = 1) -> list[Entry]:
    return [
        Entry(
            task=job.task,
            task_id=job.id,
            attempt=attempt,
            request=decode(job.message)["headers"] | {"hostname": "one@here", "delivery_info": {}},
            body=job.body,
            soft_limit=None,
        )
        for job in (Job.objects.get(id=id_) for id_ in ids)
    ]


@pytest.mark.usefixtures("committed_ledger")
def test_a_batch_is_run_and_recorded(board: Board) -> None:
    ids = [str(tasks.add.delay(number, 1).id) for number in range(3)]
    failing = str(tasks.fail.delay("out of paper").id)
    slot = board.take_slot(4)
    seconds = perform_batch(slot, entries(*ids, failing))
    assert [state_of(id_) for id_ in [*ids, failing]] == ["SUCCESS"] * 3 + ["FAILURE"]
    assert [tasks.add.AsyncResult(id_).get(timeout=1) for id_ in ids] == [1, 2, 3]
    assert len(seconds) == 4
    assert all(seconds)
    assert board.read(slot).durable == 4
    (attempt,) = job_attempts(ids[0])
    assert (attempt.outcome, attempt.pid, attempt.number) == ("SUCCESS", os.getpid(), 1)


@pytest.mark.usefixtures("committed_ledger")
def test_a_result_that_stands_for_another_is_kept_as_celery_keeps_it(board: Board) -> None:
    """A task may return what it submitted: the reader gets a result that it can wait for."""
    id_ = str(odd_tasks.submit_and_tell.delay().id)
    perform_batch(board.take_slot(1), entries(id_))
    assert state_of(id_) == "SUCCESS"
    child = Job.objects.get(parent_id=id_)
    found: Any = current_app.AsyncResult(id_).get(timeout=1)
    assert result_from_tuple(found).id == child.id


@pytest.mark.usefixtures("committed_ledger")
def test_a_callback_that_a_batch_submits_has_its_family(board: Board) -> None:
    body = chord([tasks.add.s(1, 1), tasks.add.s(2, 2)])(tasks.total.s())
    parts = list(Job.objects.order_by("created_at", "id").values_list("id", flat=True))
    perform_batch(board.take_slot(2), entries(*parts))
    callback = Job.objects.get(id=body.id)
    assert callback.parent_id in parts
    assert callback.root_id == Job.objects.get(id=callback.parent_id).root_id


@pytest.mark.usefixtures("committed_ledger")
def test_what_is_not_free_is_not_run(board: Board) -> None:
    done, twice = (str(tasks.add.delay(1, 1).id) for _ in range(2))
    Job.objects.filter(id=done).update(state="SUCCESS")
    seconds = perform_batch(board.take_slot(3), entries(done, twice, twice))
    assert outcomes_of(done) == []
    assert outcomes_of(twice) == ["SUCCESS"]
    assert [bool(took) for took in seconds] == [False, True, False]


@pytest.mark.usefixtures("committed_ledger")
def test_what_is_given_back_is_as_if_nobody_had_claimed_it(board: Board) -> None:
    ids = [str(tasks.add.delay(1, 1).id) for _ in range(3)]
    slot = board.take_slot(3)
    batch = Batch(board, slot, entries(*ids))
    begin = batch._begin

    def begin_and_be_recalled(index: int) -> bool:
        begins = begin(index)
        if index == 0:
            batch.give_back()
        return begins

    batch._begin = begin_and_be_recalled  # type: ignore[method-assign]
    batch.run()
    assert board.read(slot).kept == 1
    assert [state_of(id_) for id_ in ids] == ["SUCCESS", "QUEUED", "QUEUED"]
    assert set(Job.objects.filter(id__in=ids[1:]).values_list("attempt", "lease_node")) == {
        (0, None)
    }
    assert [outcomes_of(id_) for id_ in ids[1:]] == [[], []]
    perform_batch(board.take_slot(2), entries(*ids[1:]))
    assert [outcomes_of(id_) for id_ in ids[1:]] == [["SUCCESS"], ["SUCCESS"]]


@pytest.mark.usefixtures("committed_ledger")
def test_a_job_whose_message_is_here_twice_is_not_given_back_while_it_runs(board: Board) -> None:
    twice, other = (str(tasks.add.delay(1, 1).id) for _ in range(2))
    slot = board.take_slot(3)
    batch = Batch(board, slot, entries(twice, other, twice))
    begin = batch._begin

    def begin_and_be_recalled(index: int) -> bool:
        begins = begin(index)
        batch.give_back()
        return begins

    batch._begin = begin_and_be_recalled  # type: ignore[method-assign]
    batch.run()
    assert [outcomes_of(id_) for id_ in (twice, other)] == [["SUCCESS"], []]
    assert [state_of(id_) for id_ in (twice, other)] == ["SUCCESS", "QUEUED"]


@pytest.mark.usefixtures("committed_ledger")
def test_a_lost_batch_gives_back_nothing_that_runs_elsewhere(board: Board) -> None:
    """A message that came twice may be refused in one batch, and its job run in another."""
    ids = [str(tasks.add.delay(1, 1).id) for _ in range(2)]
    node_id, now = worker_node().id, timezone.now()
    statements.claim_many([(ids[0], 1)], node=node_id, pid=2, now=now)
    statements.claim_many([(ids[1], 1)], node=node_id, pid=1, now=now)
    held = [(ids[0], 1), (ids[1], 1), (ids[0], 1)]
    notice = Notice(pid=1, begun=1, begun_at=0.0, done=1, durable=0, kept=3)
    lost.recover_batch(held, notice, results=[], worker="one@here", limit=None)
    assert [state_of(id_) for id_ in ids] == ["STARTED", "QUEUED"]
    assert Job.objects.get(id=ids[0]).lease_pid == 2


@pytest.mark.usefixtures("committed_ledger")
def test_no_job_is_begun_once_the_worker_is_told_to_end(board: Board) -> None:
    ids = [str(tasks.add.delay(1, 1).id) for _ in range(3)]
    slot = board.take_slot(3)
    batch = Batch(board, slot, entries(*ids))
    end = batch._end

    def end_and_be_told(index: int) -> None:
        end(index)
        board.stop()

    batch._end = end_and_be_told  # type: ignore[method-assign]
    batch.run()
    assert (board.read(slot).kept, board.read(slot).durable) == (1, 1)
    assert [state_of(id_) for id_ in ids] == ["SUCCESS", "QUEUED", "QUEUED"]


def test_celery_sees_the_job_of_a_batch_that_runs(board: Board) -> None:
    """A soft shutdown waits for it and ends it; ``inspect active`` shows it."""
    held = [
        Held(
            message=SimpleNamespace(
                headers={"id": name, "job_attempt": 1, "argsrepr": f"({name},)"},
                properties={},
                delivery_info={"routing_key": "default"},
            ),
            task=SimpleNamespace(name="shop.pay", acks_late=True),
            alone=lambda: None,
        )
        for name in ("one", "two")
    ]
    slot = board.take_slot(2)
    stopped: list[str] = []
    active = ActiveBatch(held, lambda: board.read(slot), lambda: stopped.append("stopped"))
    try:
        assert active in state.active_requests
        assert active.id == "one"
        board.open(slot)
        board.begin(slot, 1)
        info = active.info(safe=True)
        assert (info["id"], info["name"], info["args"]) == ("two", "shop.pay", "(two,)")
        assert info["worker_pid"] == os.getpid()
        assert time.time() - info["time_start"] < 20
        active.cancel(None, emit_retry=False)
        assert stopped == ["stopped"]
    finally:
        active.leave()
    assert active not in state.active_requests


@pytest.mark.usefixtures("committed_ledger")
def test_a_result_that_cannot_be_stored_does_not_take_the_others_with_it(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [str(tasks.add.delay(1, 1).id) for _ in range(3)]
    record = statements.finish_many

    def refuse(rows: Any, common: Any) -> Any:
        if any(row["id"] == ids[1] for row in rows):
            raise ValueError(ids[1])
        return record(rows, common)

    monkeypatch.setattr(statements, "finish_many", refuse)
    perform_batch(board.take_slot(3), entries(*ids))
    assert [outcomes_of(id_) for id_ in ids] == [["SUCCESS"], ["LOST"], ["SUCCESS"]]
    assert state_of(ids[1]) == "QUEUED"


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(("attempt", "counts"), [(1, True), (2, False)])
def test_only_the_current_attempt_is_recorded(attempt: int, *, counts: bool) -> None:
    task_id = str(tasks.add.delay(1, 1).id)
    assert statements.claim_many([(task_id, 1)], node="here:b:1:2", pid=3, now=timezone.now())
    success = Finished(
        task_id, attempt, timezone.now(), "2", "{}", '"[]"', '"{}"', None, None, task_id
    )
    again = Finished.of_line(success.line())
    assert again == success
    finished.record([success], worker="one@here")
    assert state_of(task_id) == ("SUCCESS" if counts else "STARTED")
    assert Attempt.objects.filter(job_id=task_id).exists() is counts
    assert Finished.of_line(success.line()[:-3]) is None
