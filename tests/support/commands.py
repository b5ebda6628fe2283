"""The processes of the project as its users start them, and how each shows that it is ready."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent


@dataclass(frozen=True, kw_only=True)
class Command:
    """``ready``: a path that answers over HTTP, or a text in the log; empty: not waited for."""

    words: Callable[[int], list[str]]
    ready: str = ""
    serves: bool = False


def worker(number: int) -> list[str]:
    node = ["-n", f"worker{number}@%h", "--concurrency", "2"]
    return [str(BIN / "celery"), "-A", "celery_uncovered", "worker", "--loglevel", "INFO", *node]


def beat(_: int) -> list[str]:
    return [str(BIN / "celery"), "-A", "celery_uncovered", "beat", "--loglevel", "INFO"]


def dispatcher(_: int) -> list[str]:
    return [sys.executable, "manage.py", "dispatcher"]


def web(port: int) -> list[str]:
    return [str(BIN / "gunicorn"), "config.wsgi", "-b", f"127.0.0.1:{port}", "--threads", "2"]


def standin(port: int) -> list[str]:
    return [sys.executable, "-m", "celery_uncovered.toyex.standin", "--port", str(port)]


def gateway(port: int) -> list[str]:
    """Its ``--store`` is for the caller to say."""
    module = "celery_uncovered.tricks.payments.standin"
    return [sys.executable, "-m", module, "--port", str(port)]


def chat(port: int) -> list[str]:
    """Its ``--store`` is for the caller to say."""
    module = "celery_uncovered.advex.reminders.standin"
    return [sys.executable, "-m", module, "--port", str(port)]


COMMANDS = {
    "worker": Command(words=worker, ready=" ready."),
    "beat": Command(words=beat, ready="beat: Starting..."),
    "dispatcher": Command(words=dispatcher),
    "web": Command(words=web, ready="/", serves=True),
    "standin": Command(words=standin, ready="/", serves=True),
    "gateway": Command(words=gateway, ready="/", serves=True),
    "chat": Command(words=chat, ready="/", serves=True),
}
