"""Tasks that tests submit, small ones of every kind."""

import io
import logging
import os
import resource
import signal
import threading
import time
from typing import Any

from celery import chord, shared_task
from celery.exceptions import SoftTimeLimitExceeded

from celery_uncovered.jobs import api as jobs
from celery_uncovered.jobs.current import running_attempt
from celery_uncovered.jobs.models import Job
from tests.support.app.notes import is_open, note, wait_at

log = logging.getLogger(__name__)


@shared_task
def add(x: int, y: int) -> int:
    return x + y


@shared_task
def echo(value: Any) -> Any:
    return value


@shared_task
def say(words: str) -> None:
    """Log it and print it."""
    log.info(words)
    print(words)  # noqa: T201  # that is its purpose


@shared_task
def say_at(gate: str) -> None:
    """Say something before a gate and behind it."""
    say("before")
    wait_at(gate)
    say("behind")


@shared_task
def say_bytes(text: str) -> None:
    """Say the bytes that ``text`` has in hexadecimal, as a program meets them in file names."""
    say(bytes.fromhex(text).decode(errors="surrogateescape"))


@shared_task
def count_aloud(name: str, count: int) -> None:
    for number in range(count):
        print(name, number)  # noqa: T201


@shared_task
def count_and_die(count: int) -> None:
    """Count, and kill the process that runs it, the first time."""
    log.info("attempt %d", attempt_number())
    if attempt_number() == 1:
        count_aloud("counts", count)
        os.kill(os.getpid(), signal.SIGKILL)


@shared_task
def talk_for_ever() -> None:
    """So many lines at once that a time limit most likely comes while they are dealt with."""
    while True:
        log.info("a line of many\n" * 200)


@shared_task
def work_briefly() -> None:
    """Take a millisecond."""
    time.sleep(0.001)


@shared_task
def work_long(seconds: float) -> None:
    time.sleep(seconds)


@shared_task
def incompressible(size: int) -> str:
    """A text of about ``size`` characters that no database can make small."""
    return os.urandom(size // 2).hex()


@shared_task
def total(numbers: list[int]) -> int:
    return sum(numbers)


@shared_task
def fail(message: str) -> None:
    raise RuntimeError(message)


@shared_task
def fail_at(gate: str, message: str) -> None:
    """Fail once somebody has opened ``gate``."""
    wait_at(gate)
    raise RuntimeError(message)


@shared_task
def leave_note(text: str) -> str:
    note(text)
    return text


@shared_task
def leave_note_after(_: Any, text: str) -> str:
    """As ``leave_note``, for a callback, which gets a result or the failed job's id first."""
    note(text)
    return text


@shared_task(bind=True)
def own_id(self: Any) -> str:
    return str(self.request.id)


@shared_task(bind=True)
def look(self: Any, *more: Any) -> str:
    """Note what the ledger says of this job while it runs; the last argument is its label."""
    state = Job.objects.filter(id=self.request.id).values_list("state", flat=True).first()
    note(f"{more[-1]}: {state}")
    return str(more[-1])


@shared_task
def hold(gate: str, text: str = "") -> str:
    """Note that it runs, and wait at a gate of its attempt: ``GATE-1``, ``GATE-2`` and so on."""
    number = attempt_number()
    note(f"{text}{gate}-{number} begins")
    wait_at(f"{gate}-{number}")
    note(f"{text}{gate}-{number} ends")
    return f"attempt {number}"


@shared_task
def report_until(gate: str) -> str:
    """Report progress over and over until the gate opens."""
    note(f"{gate} begins")
    done = 0
    while not is_open(gate):
        done += 1
        jobs.report_progress(done=done)
        time.sleep(0.05)
    return "let through"


@shared_task
def succeed_when_open(gate: str) -> str:
    """Fail until the gate is open, as long as what it needs is missing."""
    if not is_open(gate):
        raise FileNotFoundError(gate)
    return f"attempt {attempt_number()}"


@shared_task(bind=True, max_retries=None)
def retry_once(self: Any, countdown: float) -> str:
    """Fail at first, to be retried after ``countdown`` seconds; then tell the attempt."""
    if attempt_number() == 1:
        raise self.retry(exc=RuntimeError("not yet"), countdown=countdown)
    return f"attempt {attempt_number()}"


@shared_task(bind=True, max_retries=1)
def retry_in_vain(self: Any) -> None:
    raise self.retry(exc=RuntimeError("never"), countdown=0)


@shared_task(bind=True)
def be_replaced(self: Any, x: int) -> Any:
    return self.replace(add.s(x, x))


@shared_task(bind=True)
def become_a_chord(self: Any) -> Any:
    return self.replace(chord([add.s(1, 1), add.s(2, 2)], total.s()))


@shared_task
def die_once() -> str:
    """Kill the process that runs it, the first time."""
    number = attempt_number()
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return f"attempt {number}"


@shared_task
def take_part(number: int, what: str = "") -> int:
    """One of many small jobs, of which a few ``die`` or ``linger``; notes how often each begins."""
    note(f"{number} begins")
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "linger":
        wait_at("linger")
    return number


@shared_task
def collect(results: list[Any], text: str) -> list[Any]:
    """A chord's callback that notes that it ran, and tells what it got."""
    note(text)
    return results


@shared_task
def kill_worker_once_known(task_id: str) -> str:
    """Succeed, and kill the worker with all its processes as soon as the ledger shows the job ``task_id``.

    Another attempt than the first only succeeds.
    """
    if attempt_number() == 1:
        has_looked = threading.Event()
        threading.Thread(target=_kill_once_known, args=(task_id, has_looked), daemon=True).start()
        has_looked.wait(20)
    return "last"


def _kill_once_known(task_id: str, has_looked: threading.Event) -> None:
    while not Job.objects.filter(id=task_id).exists():
        has_looked.set()
        time.sleep(0.0005)
    os.killpg(os.getpgrp(), signal.SIGKILL)


@shared_task
def kill_process() -> None:
    """Kill the process that runs it, each time."""
    note("kills its process")
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task
def kill_worker() -> None:
    """Kill the worker with all its processes, each time."""
    note("kills its worker")
    os.killpg(os.getpgrp(), signal.SIGKILL)


@shared_task(bind=True)
def leave_effects(self: Any, milliseconds: int) -> int:
    """Work, and tell of it outside the ledger: a line before, and one after.

    Also whether its message had been delivered before.
    """
    if (self.request.delivery_info or {}).get("redelivered"):
        note(str(self.request.id), file="redelivered")
    line = f"{self.request.id} {attempt_number()} {os.getpid()}"
    note(f"begins {line}", file="effects")
    time.sleep(milliseconds / 1000)
    note(f"ends {line}", file="effects")
    return attempt_number()


@shared_task
def write_file(size: int, room: int) -> int:
    """Save a file of ``size`` bytes where a file can have ``room`` bytes at most."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        return jobs.save_artifact("file.bin", io.BytesIO(b"x" * size)).size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def attempt_number() -> int:
    attempt = running_attempt()
    if attempt is None:
        raise RuntimeError
    return attempt.number


@shared_task
def outlast_the_soft_limit(gate: str) -> None:
    """Wait at a gate, and go on waiting when the soft time limit comes."""
    try:
        wait_at(gate)
    except SoftTimeLimitExceeded:
        wait_at(gate)
