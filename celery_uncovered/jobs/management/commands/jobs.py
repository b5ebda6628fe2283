"""``manage.py jobs list|retry|discard``: dead letters from the command line, by id or by filter."""

import re
from argparse import ArgumentParser
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from celery_uncovered.jobs import api as jobs

_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DONE = {"retry": "queued again", "discard": "discarded"}


class Command(BaseCommand):
    help = "Lists, retries or discards failed jobs that nobody has tended yet (dead letters)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("act", choices=["list", "retry", "discard"])
        parser.add_argument("ids", nargs="*", metavar="id", help="these jobs alone")
        parser.add_argument("--task", default="", help="the full name of the task")
        parser.add_argument("--queue", default="")
        parser.add_argument("--error-type", default="", help="the class of the error, KeyError")
        parser.add_argument("--since", help="failed since: 24h, 7d, or 2026-05-04T10:00")
        parser.add_argument("--until", help="failed until: as --since")
        parser.add_argument("--all", action="store_true", help="every dead letter there is")
        parser.add_argument("--dry-run", action="store_true", help="say how many, change nothing")
        parser.add_argument("--limit", type=int, help="lines to list (50), or jobs to act on")

    def handle(self, *_: Any, **options: Any) -> None:
        wanted = _filter_of(options)
        if options["limit"] is not None and options["limit"] < 1:
            message = f"--limit {options['limit']} is too small; write 1 or more."
            raise CommandError(message)
        if options["act"] == "list":
            self._list(wanted, options["limit"] or 50)
            return
        if wanted == jobs.DeadLetterFilter() and not options["all"]:
            message = f"Say which jobs to {options['act']}: ids, a filter, or --all."
            raise CommandError(message)
        if options["dry_run"]:
            self._count(wanted, options["limit"])
        elif wanted.ids and wanted == jobs.DeadLetterFilter(ids=wanted.ids):
            self._act_on_each(options["act"], wanted.ids)
        else:
            self._act_on_all(options["act"], wanted, options["limit"])

    def _list(self, wanted: jobs.DeadLetterFilter, limit: int) -> None:
        page = jobs.list_dead_letters(wanted, limit=limit)
        for job in page.jobs:
            moment = f"{job.finished_at:%Y-%m-%d %H:%M:%S}" if job.finished_at else ""
            words = " ".join(job.error.split())[:120]
            self.stdout.write(f"{job.task_id}  {moment}  {job.queue}  {job.task}  {words}")
        more = ", the latest of more" if page.older else ""
        self.stdout.write(f"{_number(len(page.jobs))}{more}.")

    def _count(self, wanted: jobs.DeadLetterFilter, limit: int | None) -> None:
        found = jobs.count_dead_letters(wanted, bound=limit)
        self.stdout.write(f"{_number(found)} would be taken; nothing is changed.")

    def _act_on_each(self, act: str, ids: tuple[str, ...]) -> None:
        """By id alone, also jobs that were cancelled; the first one that is refused ends it."""
        done = jobs.retry_job if act == "retry" else jobs.discard_job
        for task_id in ids:
            try:
                done(task_id)
            except jobs.JobError as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"Job {task_id} is {_DONE[act]}.")

    def _act_on_all(self, act: str, wanted: jobs.DeadLetterFilter, limit: int | None) -> None:
        on_all = jobs.retry_dead_letters if act == "retry" else jobs.discard_dead_letters
        tended = on_all(wanted, limit=limit)
        left = f" {tended.left:,} could not be; retry one by its id to hear why." * bool(
            tended.left
        )
        self.stdout.write(f"{_number(tended.done)}: {_DONE[act]}.{left}")


def _filter_of(options: dict[str, Any]) -> jobs.DeadLetterFilter:
    return jobs.DeadLetterFilter(
        task=options["task"],
        queue=options["queue"],
        error_type=options["error_type"],
        since=_moment("--since", options["since"]),
        until=_moment("--until", options["until"]),
        ids=tuple(dict.fromkeys(options["ids"])),
    )


def _moment(option: str, text: str | None) -> datetime | None:
    """A time so long ago, or ISO text; without a zone it is UTC."""
    if text is None:
        return None
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return timezone.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        message = f'{option} "{text}" is no time; write 90m, 24h, 7d or 2026-05-04T10:00.'
        raise CommandError(message) from None
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)


def _number(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count:,} dead letters"
