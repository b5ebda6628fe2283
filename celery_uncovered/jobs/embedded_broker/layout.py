"""Where the broker keeps what, below its one folder."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote


@dataclass(frozen=True)
class Layout:
    """The broker's paths.

    ========================== =====================================================
    ``queues/<queue>/``        messages waiting, one file each, oldest name first
    ``unacked/<owner>/<queue>/`` messages a process has taken and not yet acknowledged
    ``incoming/<owner>/``      messages being written, not yet visible to anybody
    ``set_aside/<queue>/``     files that are no messages, with their bytes
    ``exchanges.json``         exchanges, bindings and temporary queues
    ``exchanges.lock``         held while that file is changed
    ========================== =====================================================
    """

    root: Path

    @property
    def queues(self) -> Path:
        return self.root / "queues"

    @property
    def unacked(self) -> Path:
        return self.root / "unacked"

    @property
    def incoming(self) -> Path:
        return self.root / "incoming"

    @property
    def set_aside(self) -> Path:
        return self.root / "set_aside"

    @property
    def table(self) -> Path:
        return self.root / "exchanges.json"

    @property
    def table_lock(self) -> Path:
        return self.root / "exchanges.lock"

    def queue(self, queue: str) -> Path:
        return self.queues / as_file_name(queue)


def as_file_name(name: str) -> str:
    """``name`` as one path component: no separator, and never ``.`` or ``..``."""
    quoted = quote(name, safe="@ ,=+")
    return f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted


def from_file_name(file_name: str) -> str:
    return unquote(file_name)


def make_private(folder: Path) -> None:
    """Create ``folder`` and its missing parents for this user only (0700); fine if it exists."""
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    except FileNotFoundError:
        make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
