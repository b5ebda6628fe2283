"""Files that are there whole or not at all, also after a crash or on a full disk."""

import os
from pathlib import Path

from celery_uncovered.jobs.embedded_broker.layout import make_private


def write_durably(path: Path, data: bytes) -> None:
    """Create ``path`` (0600) with ``data``, flushed to the disk.

    Raises ``OSError`` (``ENOSPC`` on a full disk), and then leaves no file. ``path`` must
    not exist; to publish the file under its final name, rename it afterwards.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def move_into(folder: Path, source: Path, name: str) -> bool:
    """Rename ``source`` to ``folder/name``, creating the folder; False if the file is gone.

    Of several processes that move the same file, exactly one is told True.
    """
    while True:
        try:
            source.rename(folder / name)
        except FileNotFoundError:
            if folder.is_dir():
                return False
            make_private(folder)
        else:
            return True


def sync_folder(folder: Path) -> None:
    """Flush the names in ``folder``, so that a rename into it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
