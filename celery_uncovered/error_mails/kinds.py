"""What makes two errors of one kind: who reports them, which class they have, which line raised them."""

import os
import re
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import NamedTuple

#: The kind of errors of which only the number is known.
OTHERS = "others"

_FRAME = re.compile(r'^  File "([^"\n]+)", line (\d+)(?:, in ([^\n]+))?', re.MULTILINE)
_INSTALLED = (f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}")
_STANDARD = sysconfig.get_path("stdlib") + os.sep
#: Folders that a place shows of a file's path.
_SHOWN_PARTS = 3


class Place(NamedTuple):
    file: str
    line: int
    function: str

    def __str__(self) -> str:
        path = "/".join(Path(self.file).parts[-_SHOWN_PARTS:])
        return f"{path}:{self.line}" + (f" in {self.function}" if self.function else "")


def kind_of(*parts: object) -> str:
    text = "\0".join(map(str, parts))
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def place_of(traceback: TracebackType | None) -> Place | None:
    """Where an exception was raised; None without a traceback.

    The innermost line of the project's own code: what a library raises in many places of it would
    be one kind otherwise.
    """
    frames = (
        Place(frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in walk_tb(traceback)
    )
    return _innermost(frames)


def place_in(text: str) -> Place | None:
    """The same for a traceback as text, whose last part is that of the error itself."""
    last = text[text.rfind("Traceback (most recent call last)") :] if text else ""
    return _innermost(
        Place(file, int(line), function or "") for file, line, function in _FRAME.findall(last)
    )


def _innermost(frames: Iterable[Place]) -> Place | None:
    last = own = None
    for place in frames:
        last = place
        if _is_own(place.file):
            own = place
    return own or last


@lru_cache(maxsize=4096)
def _is_own(file: str) -> bool:
    is_installed = any(part in file for part in _INSTALLED)
    return not (is_installed or file.startswith((_STANDARD, "<frozen")))
