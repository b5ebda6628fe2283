"""The secret of a local installation: random, written once, readable by its owner alone."""

import contextlib
import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key


def read_or_write_secret(path: Path) -> str:
    """The secret kept at ``path``, which is made with mode 0600 where it does not exist.

    Several processes may start at once: the file appears whole, by link, so the first one wins.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()
