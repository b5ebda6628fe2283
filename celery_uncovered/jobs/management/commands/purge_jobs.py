"""``manage.py purge_jobs``: remove what is due to go now; the dispatcher does it by itself."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from celery_uncovered.jobs.retention import KINDS, Purge


class Command(BaseCommand):
    help = "Removes ended jobs and all that is theirs by JOBS_KEEP_DAYS and JOBS_KEEP_FAILED_DAYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="say what would go, per kind")
        parser.add_argument("--seconds", type=float, help="stop after this time; all by default")

    def handle(self, *_: Any, **options: Any) -> None:
        seconds = options["seconds"]
        if seconds is not None and seconds <= 0:
            message = f"--seconds {seconds:g} is too short; write more than 0."
            raise CommandError(message)
        purge = Purge(dry=options["dry_run"])
        is_done = purge.go_on(seconds)
        word = "would go" if purge.dry else "removed"
        for kind in KINDS:
            self.stdout.write(f"{purge.counts[kind]:>9,} {kind} {word}")
        if not is_done:
            self.stdout.write("The time was up; run it again for the rest.")
