"""``manage.py queues list|pause|resume``: which queues are paused; no job of a paused one begins."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from celery_uncovered.jobs import api as jobs


class Command(BaseCommand):
    help = "Lists queues, pauses one (what has begun finishes, the rest waits), or resumes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["list", "pause", "resume"])
        parser.add_argument("queue", nargs="?", default="")
        parser.add_argument("--reason", default="", help="why it is paused, for others to read")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["act"] == "list":
            self._list()
        elif not options["queue"]:
            message = f"Say which queue to {options['act']}."
            raise CommandError(message)
        elif options["act"] == "pause":
            self._pause(options["queue"], options["reason"])
        else:
            self._resume(options["queue"])

    def _list(self) -> None:
        for queue in jobs.list_queues():
            workers = ", ".join(queue.workers) or "none"
            since = (
                f"paused since {queue.paused.since:%Y-%m-%d %H:%M:%S} UTC" if queue.paused else ""
            )
            why = f": {queue.paused.reason}" if queue.paused and queue.paused.reason else ""
            self.stdout.write(f"{queue.name}  workers: {workers}  {since}{why}".rstrip())

    def _pause(self, queue: str, reason: str) -> None:
        try:
            is_new = jobs.pause_queue(queue, reason=reason)
        except jobs.JobError as error:
            raise CommandError(str(error)) from error
        words = "is paused; what has begun finishes" if is_new else "was paused already"
        self.stdout.write(f"Queue “{queue}” {words}.")

    def _resume(self, queue: str) -> None:
        if not jobs.resume_queue(queue):
            message = f"Queue “{queue}” is not paused."
            raise CommandError(message)
        self.stdout.write(f"Queue “{queue}” is resumed.")
