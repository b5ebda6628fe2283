"""The files that were set aside because they are no messages: to be looked at, and taken away."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from celery_uncovered.jobs.embedded_broker.envelope import NotAMessageError, read_message
from celery_uncovered.jobs.embedded_broker.layout import Layout, from_file_name


@dataclass(frozen=True, kw_only=True)
class StrayFile:
    """``size`` is that of the whole file, ``start`` its first bytes, ``reason`` why it is none."""

    path: Path
    queue: str
    reason: str
    since: datetime
    size: int
    start: bytes


def stray_files(folder: Path, *, at_most: int) -> Iterator[StrayFile]:
    """What lies in the broker's ``folder`` set aside, with ``at_most`` bytes of each.

    Links, pipes and folders are left out: they have no bytes of their own, and stay where they are.
    """
    set_aside = Layout(folder).set_aside
    for path in sorted(set_aside.glob("*/*")):
        if path.is_symlink() or not path.is_file():
            continue
        with suppress(OSError), path.open("rb") as file:
            start = file.read(at_most)
            found = path.stat()
            yield StrayFile(
                path=path,
                queue=from_file_name(path.parent.name),
                reason=_reason(path),
                since=datetime.fromtimestamp(found.st_mtime, UTC),
                size=found.st_size,
                start=start,
            )


def _reason(path: Path) -> str:
    try:
        read_message(path)
    except NotAMessageError as error:
        return error.reason
    return "it was set aside by hand"
