"""Celery's tests, from the source distribution of the installed version, below ``build/``."""

import importlib.metadata
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.servers.session import ROOT

BUILD = ROOT / "build/celery-suite"
LOCK = ROOT / "requirements/base.txt"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
#: Of the distribution only its tests; its ``celery`` package would hide the installed one.
WANTED = ("__init__.py", "canvas_helpers.py", "skip.py", "integration/")


def tests_of_celery() -> Path:
    """The folder that holds the package ``t``, downloaded where it is not there yet.

    The archive's hash is that of our lock. Raises CalledProcessError.
    """
    version = importlib.metadata.version("celery")
    folder = BUILD / f"celery-{version}"
    if folder.exists():
        return folder
    BUILD.mkdir(parents=True, exist_ok=True)
    pinned = BUILD / "celery.txt"
    pinned.write_text(pin_of("celery", version))
    arguments = ["--no-binary", "celery", "--no-deps", "--require-hashes", "-r", str(pinned)]
    pip("download", "--dest", str(BUILD), *arguments)
    draft = BUILD / f"{folder.name}.draft"
    shutil.rmtree(draft, ignore_errors=True)
    with tarfile.open(BUILD / f"celery-{version}.tar.gz") as archive:
        root = f"celery-{version}/t/"
        wanted = tuple(root + name for name in WANTED)
        members = [member for member in archive if member.name.startswith(wanted)]
        for member in members:
            member.name = member.name.partition("/")[2]
        archive.extractall(draft, members=members, filter="data")
    return draft.rename(folder)


def packages() -> Path:
    """The folder with what the tests import beyond our own requirements."""
    folder, stamp = BUILD / "packages", BUILD / "packages.installed"
    wanted = REQUIREMENTS.read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        pip("install", "--target", str(folder), "--require-hashes", "-r", str(REQUIREMENTS))
        stamp.write_text(wanted)
    return folder


def pin_of(name: str, version: str) -> str:
    """The lines of our lock for one package: its version and its hashes."""
    lines = LOCK.read_text().splitlines()
    start = lines.index(f"{name}=={version} \\")
    end = next(i for i in range(start, len(lines)) if not lines[i].endswith("\\"))
    return "\n".join(lines[start : end + 1]) + "\n"


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq"]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True)
