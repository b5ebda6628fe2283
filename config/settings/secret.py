"""The folder and the secret of a local installation, for their owner alone."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key


def keep_private(folder: Path) -> None:
    """Make ``folder`` with mode 0700; one that is there and ours gets that mode too.

    A sticky folder, such as /tmp, is everybody's and stays as it is.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    is_ours = found.st_uid == os.getuid() and not found.st_mode & stat.S_ISVTX
    if is_ours and stat.S_IMODE(found.st_mode) != stat.S_IRWXU:
        folder.chmod(stat.S_IRWXU)


def read_or_write_secret(path: Path) -> str:
    """The secret kept at ``path``, which is made with mode 0600 where it does not exist.

    Several processes may start at once: the file appears whole, by link, so the first one wins.
    Raises ImproperlyConfigured for a file without a secret in it.
    """
    if not path.exists():
        _write_secret(path)
    secret = path.read_text().strip()
    if not secret:
        message = f"The secret in {path} is empty; delete the file to have a new one written."
        raise ImproperlyConfigured(message)
    return secret


def _write_secret(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(get_random_secret_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        Path(draft).unlink()
