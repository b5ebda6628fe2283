"""``manage.py hot_repos_report week --group-by language --output FILE``: the report for scripts."""

import os
import shutil
import sys
import tempfile
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from celery_uncovered.jobs import api as jobs
from celery_uncovered.toyex.report import GROUPINGS, PERIODS, BadInput
from celery_uncovered.toyex.reports import request_report

POLL_SECONDS = 0.2
BAR_WIDTH = 30


class Command(BaseCommand):
    help = "Makes the hot-repositories report (or finds it) and writes its CSV. Needs workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("period", help=f"one of: {', '.join(PERIODS)}")
        parser.add_argument("--group-by", default="topic", help=f"one of: {', '.join(GROUPINGS)}")
        parser.add_argument("--ref-date", help="the last day, YYYY-MM-DD; today by default")
        parser.add_argument("--fresh", action="store_true", help="make it anew if it exists")
        parser.add_argument("--output", help="the CSV file to write; standard output by default")
        parser.add_argument("--timeout", type=float, default=900.0, help="seconds to wait at most")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            task_id = request_report(
                period=options["period"],
                group_by=options["group_by"],
                ref_date=options["ref_date"],
                fresh=options["fresh"],
            )
        except BadInput as error:
            raise CommandError(str(error)) from error
        status = self._wait(task_id, options["timeout"])
        if status.state != jobs.State.SUCCESS:
            raise CommandError(status.error or f"The report ended as {status.state.label}.")
        self._deliver(status, options["output"])

    def _wait(self, task_id: str, timeout: float) -> jobs.JobStatus:
        deadline = time.monotonic() + timeout
        shows = self.stderr.isatty()
        while True:
            status = jobs.job_status(task_id)
            if shows:
                self.stderr.write(f"\r\033[K{_bar(status)}", ending="")
            if status.is_final:
                if shows:
                    self.stderr.write("")
                return status
            if time.monotonic() > deadline:
                message = (
                    f"The report was not ready after {timeout:.0f} s (job {task_id} is"
                    f" {status.state.label.lower()}); are the workers running?"
                )
                raise CommandError(message)
            time.sleep(POLL_SECONDS)

    def _deliver(self, status: jobs.JobStatus, output: str | None) -> None:
        artifact = jobs.find_artifact(status.task_id, status.result["file"])
        if artifact is None:
            message = "The report's file is no longer kept; ask for it with --fresh."
            raise CommandError(message)
        with artifact.file.open("rb") as source:
            if output is None:
                shutil.copyfileobj(source, sys.stdout.buffer)
                return
            _write_whole(source, Path(output))
        missing = ", ".join(map(str, status.result["missing_pages"]))
        note = f" (incomplete: without page {missing})" if missing else ""
        self.stderr.write(f"{output}: {status.result['repositories']} repositories{note}")


def _bar(status: jobs.JobStatus) -> str:
    progress = status.progress
    share = (progress.done or 0) / progress.total if progress.total else 0.0
    filled = round(share * BAR_WIDTH)
    note = progress.note or status.state.label
    width = shutil.get_terminal_size().columns
    return f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {note}"[: width - 1]


def _write_whole(source: Any, target: Path) -> None:
    """Write under a temporary name beside ``target``, then rename: never half a file."""
    try:
        descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        message = f"{target} cannot be written: {error.strerror}."
        raise CommandError(message) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(source, file)
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except OSError as error:
        Path(draft).unlink(missing_ok=True)
        message = f"{target} cannot be written: {error.strerror}."
        raise CommandError(message) from error
