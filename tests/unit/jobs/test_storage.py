"""A name of the storage holds a whole file or none, also while it is written."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from celery_uncovered.jobs.storage import DurableFileSystemStorage


@pytest.fixture
def storage(tmp_path: Path) -> DurableFileSystemStorage:
    return DurableFileSystemStorage(location=tmp_path / "files", file_permissions_mode=0o600)


class Watched(ContentFile):  # type: ignore[type-arg]  # of bytes
    """Content that looks at the storage while it is read, and may be cut short."""

    def __init__(self, storage: DurableFileSystemStorage, *, full_at: int | None = None) -> None:
        super().__init__(b"")
        self.storage = storage
        self.full_at = full_at
        self.seen: list[bool] = []

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:  # noqa: ARG002  # Django's signature
        for number in range(3):
            self.seen.append(self.storage.exists("report.csv"))
            if number == self.full_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            yield b"x" * 1000


def files(storage: Any) -> list[Path]:
    return [path for path in Path(storage.location).rglob("*") if path.is_file()]


@pytest.mark.behaviour("J24")
def test_a_file_has_its_name_only_when_it_is_whole(storage: DurableFileSystemStorage) -> None:
    content = Watched(storage)
    assert storage.save("report.csv", content) == "report.csv"
    assert content.seen == [False, False, False]
    assert storage.size("report.csv") == 3000
    assert len(files(storage)) == 1


@pytest.mark.behaviour("J24")
def test_a_disk_that_is_full_in_the_middle_leaves_nothing(
    storage: DurableFileSystemStorage,
) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        storage.save("report.csv", Watched(storage, full_at=2))
    assert files(storage) == []


def test_files_are_for_this_user_only(storage: DurableFileSystemStorage) -> None:
    storage.save("a/report.csv", ContentFile(b"x"))
    (file,) = files(storage)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
