"""``manage.py replay_histories``: do the stored histories fit the code? For CI, before a deploy."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from celery_uncovered.workflows.engine.replay import difference
from celery_uncovered.workflows.models import Run
from celery_uncovered.workflows.states import LIVE


class Command(BaseCommand):
    help = "Replays the histories of runs against the code, and fails where they do not fit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workflow", default="", help="those of this workflow alone")
        parser.add_argument("--all", action="store_true", help="runs that are over as well")

    def handle(self, *, workflow: str, **options: Any) -> None:
        runs = Run.objects.all() if options["all"] else Run.objects.filter(state__in=LIVE)
        if workflow:
            runs = runs.filter(workflow=workflow)
        count = bad = 0
        for run in runs.order_by("created_at").iterator():
            count += 1
            if words := difference(run):
                bad += 1
                self.stdout.write(f"{run.id} {run.workflow}: {words}")
        if bad:
            message = f"{bad} of {count} histories do not fit the code."
            raise CommandError(message)
        self.stdout.write(f"{count} histories fit the code.")
