"""The queue folders: order, durability, what is no message, cost."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from celery_uncovered.jobs.embedded_broker import backlog
from celery_uncovered.jobs.embedded_broker import folder as folder_module
from celery_uncovered.jobs.embedded_broker.backlog import Backlog
from celery_uncovered.jobs.embedded_broker.folder import QueueFolder, QueueNotFoundError
from celery_uncovered.jobs.embedded_broker.layout import Layout
from tests.unit.jobs.embedded_broker_help import files


def content(number: int) -> bytes:
    return json.dumps(
        {"body": str(number), "headers": {}, "properties": {"delivery_info": {}}}
    ).encode()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "broker")


@pytest.fixture
def folder(layout: Layout) -> QueueFolder:
    folder = QueueFolder(layout)
    folder.create("default")
    return folder


def claim_body(folder: QueueFolder) -> str | None:
    claim = folder.claim("default")
    if claim is None:
        return None
    folder.acknowledge(claim.tag)
    body: str = claim.message["body"]
    return body


def test_messages_leave_in_the_order_they_came(folder: QueueFolder) -> None:
    for number in range(50):
        folder.put("default", content(number))

    assert [claim_body(folder) for _ in range(51)] == [*map(str, range(50)), None]


def test_a_claimed_message_stays_on_the_disk_until_it_is_acknowledged(
    folder: QueueFolder, layout: Layout
) -> None:
    folder.put("default", content(1))

    claim = folder.claim("default")
    assert claim is not None
    assert folder.size("default") == 0
    assert len(files(layout.unacked)) == 1

    folder.acknowledge(claim.tag)
    folder.acknowledge(claim.tag)
    assert files(layout.unacked) == []


def test_a_message_given_back_returns_to_its_place_marked_as_redelivered(
    folder: QueueFolder,
) -> None:
    for number in range(3):
        folder.put("default", content(number))
    first = folder.claim("default")
    assert first is not None
    assert not first.is_redelivered

    folder.give_back(first.tag)

    again = folder.claim("default")
    assert again is not None
    assert (again.message["body"], again.is_redelivered) == ("0", True)
    assert [claim_body(folder), claim_body(folder)] == ["1", "2"]


def test_a_message_given_back_by_another_is_seen_while_a_listing_is_in_use(
    tmp_path: Path,
) -> None:
    now = 0.0
    names = Backlog(tmp_path, clock=lambda: now)
    for name in "bcd":
        (tmp_path / name).touch()
    assert names.next_name() == "b"

    (tmp_path / "a").touch()
    now += backlog.FRESH_FOR

    assert names.next_name() == "a"


@pytest.mark.parametrize("waiting", [500, 20_000])
def test_a_message_costs_no_more_listing_in_a_long_queue_than_in_a_short_one(
    waiting: int, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = layout.queue("default")
    queue.mkdir(parents=True)
    for number in range(waiting):
        (queue / f"{number:020d}.json").write_bytes(content(number))
    listed = 0
    listdir = os.listdir

    def counting(path: Any) -> list[str]:
        nonlocal listed
        names = listdir(path)
        listed += len(names)
        return names

    monkeypatch.setattr(os, "listdir", counting)
    monkeypatch.setattr("celery_uncovered.jobs.embedded_broker.backlog.FRESH_FOR", 60)
    folder = QueueFolder(layout)

    assert [claim_body(folder) for _ in range(waiting + 1)] == [*map(str, range(waiting)), None]
    assert listed == waiting


def test_listing_again_takes_a_bounded_share_of_the_time(tmp_path: Path) -> None:
    now, listings = 0.0, 0

    def clock() -> float:
        nonlocal now, listings
        now += 3.0  # listing takes three seconds by this clock
        listings += 1
        return now

    (tmp_path / "a").touch()
    (tmp_path / "b").touch()
    names = Backlog(tmp_path, clock=clock)
    names.next_name()
    calls = listings
    names.next_name()
    assert listings == calls + 1, "it only asked for the time, and did not list again"


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_raises_and_leaves_no_file(
    call: str, folder: QueueFolder, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space"):
        folder.put("default", content(1))
    assert files(layout.root) == []


def test_nobody_sees_a_message_before_it_is_whole_and_flushed(
    folder: QueueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes, fsync = [], os.fsync

    def looking(descriptor: int) -> None:
        sizes.append(folder.size("default"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", looking)
    folder.put("default", content(1))

    assert sizes == [0, 1], "the file is flushed before its name is there, and its name after"


def test_a_short_write_is_continued(folder: QueueFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:7]))
    folder.put("default", content(12345))

    assert claim_body(folder) == "12345"


def test_a_queue_that_does_not_exist_is_refused_and_leaves_no_file(
    folder: QueueFolder, layout: Layout
) -> None:
    with pytest.raises(QueueNotFoundError, match='Queue "other" does not exist'):
        folder.put("other", content(1))
    assert files(layout.root) == []


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00\xff\xfe",
        content(1)[:20],
        b"[1, 2]",
        b'"text"',
        b"null",
        b"{}",
        b'{"body": "x", "headers": {}}',
        b'{"body": "x", "headers": {}, "properties": {}}',
        b'{"body": 5, "headers": {}, "properties": {"delivery_info": {}}}',
        b'{"body": "x", "headers": {}, "properties": {"delivery_info": {}, "body_encoding": "rot13"}}',
        b'{"body": "=x", "headers": {}, "properties": {"delivery_info": {}, "body_encoding": "base64"}}',
        b"[" * 100_000,
    ],
    ids=lambda garbage: repr(garbage[:40]),
)
def test_what_is_no_message_is_set_aside_with_its_bytes(
    garbage: bytes, folder: QueueFolder, layout: Layout
) -> None:
    (layout.queue("default") / "0-garbage").write_bytes(garbage)
    folder.put("default", content(1))

    assert claim_body(folder) == "1"
    (kept,) = files(layout.set_aside / "default")
    assert kept.read_bytes() == garbage
    assert files(layout.unacked) == []


def test_a_second_file_of_the_same_name_does_not_replace_the_one_set_aside(
    folder: QueueFolder, layout: Layout
) -> None:
    for garbage in (b"one", b"two"):
        (layout.queue("default") / "garbage").write_bytes(garbage)
        assert folder.claim("default") is None

    assert {path.read_bytes() for path in files(layout.set_aside)} == {b"one", b"two"}


def test_links_pipes_and_folders_are_set_aside_too(
    folder: QueueFolder, layout: Layout, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere.json").write_bytes(content(9))
    queue = layout.queue("default")
    (queue / "0-link").symlink_to(tmp_path / "elsewhere.json")
    os.mkfifo(queue / "0-pipe")
    (queue / "0-folder").mkdir()
    folder.put("default", content(1))

    assert claim_body(folder) == "1"
    assert {path.name for path in (layout.set_aside / "default").iterdir()} == {
        "0-link",
        "0-pipe",
        "0-folder",
    }


def test_a_passing_failure_to_read_gives_the_message_back(
    folder: QueueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put("default", content(1))

    def no_descriptors(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", no_descriptors)
        with pytest.raises(OSError, match="Too many"):
            folder.claim("default")

    assert claim_body(folder) == "1"


def test_size_and_purge_count_what_waits(folder: QueueFolder) -> None:
    for number in range(3):
        folder.put("default", content(number))
    folder.claim("default")

    assert folder.size("default") == 2
    assert folder.purge("default") == 2
    assert folder.claim("default") is None


@pytest.mark.parametrize("queue", ["a/b", "..", ".", "celery@host.celery.pidbox", "Ünï cöde"])
def test_any_name_of_a_queue_stays_below_its_folder(
    queue: str, folder: QueueFolder, layout: Layout
) -> None:
    folder.create(queue)
    folder.put(queue, content(1))

    assert layout.queue(queue).parent == layout.queues
    claim = folder.claim(queue)
    assert claim is not None
    folder.give_back(claim.tag)
    assert folder.delete(queue) == 1
    assert not folder.exists(queue)


def test_only_this_user_may_read_anything(folder: QueueFolder, layout: Layout) -> None:
    umask = os.umask(0)
    try:
        folder.create("private")
        folder.put("private", content(1))
        (layout.queue("default") / "garbage").write_bytes(b"")
        folder.claim("default")
    finally:
        os.umask(umask)

    modes = {path: path.stat().st_mode & 0o777 for path in layout.queue("private").rglob("*")}
    assert set(modes.values()) == {0o600}
    folders = [path for path in [layout.root, *layout.root.rglob("*")] if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}


def test_many_messages_share_one_flush_of_their_folder(
    folder: QueueFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[Path] = []
    monkeypatch.setattr(folder_module, "sync_folder", flushed.append)
    folder.create("q")
    with folder.flushed_together():
        folder.put("q", b"1")
        folder.put("q", b"2")
        assert flushed == []
    assert len(flushed) == 1
    folder.put("q", b"3")
    assert len(flushed) == 2
