"""The peers' own virtual environment, made when it is needed and when its lock has changed."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build/peers-venv"
LOCK = Path(__file__).with_name("requirements-peers.txt")
STAMP = FOLDER / ".installed"
BIN = FOLDER / "bin"
PYTHON = BIN / "python"

#: The packages of the lock's source: what the results name.
NAMED = (
    *("celery", "kombu", "django", "django-celery-results", "psycopg", "requests"),
    *("dramatiq", "huey", "rq", "redis", "procrastinate", "dbos", "taskflow", "sqlalchemy"),
)
TELL_VERSIONS = """
import importlib.metadata, json, sys
print(json.dumps({name: importlib.metadata.version(name) for name in sys.argv[1:]}))
"""


def ensure() -> None:
    """Make or renew it; takes no time where nothing has changed. Raises CalledProcessError."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    print(f"Installing {LOCK.name} into {FOLDER.relative_to(ROOT)} ...", flush=True)
    FOLDER.parent.mkdir(exist_ok=True)
    # Without pip, which Debian's Python cannot put there; the project's own pip installs.
    run(sys.executable, "-m", "venv", "--clear", "--without-pip", str(FOLDER))
    pip = [sys.executable, "-m", "pip", "--python", str(PYTHON), "--disable-pip-version-check"]
    run(*pip, "install", "-qq", "--no-input", "--require-hashes", "-r", str(LOCK))
    STAMP.write_text(wanted)


def versions() -> dict[str, str]:
    command = [str(PYTHON), "-c", TELL_VERSIONS, *NAMED]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {str(name): str(value) for name, value in json.loads(said).items()}


def run(*command: str) -> None:
    subprocess.run(command, cwd=ROOT, check=True)
