"""``manage.py dispatcher``: publish what is due, recover what was lost, until it is ended.

``--status`` says how it does; the exit code is 1 where that is not well.
"""

import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from celery_uncovered.jobs.dispatcher import Dispatcher
from celery_uncovered.jobs.dispatching import dispatching


class Command(BaseCommand):
    help = "Publishes due and unpublished jobs and recovers those of dead workers. Two may run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--status", action="store_true", help="say how the dispatcher does")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["status"]:
            found = dispatching()
            self.stdout.write(found.sentence)
            if not found.is_well:
                sys.exit(1)
            return
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        Dispatcher(stop=stop).run()
