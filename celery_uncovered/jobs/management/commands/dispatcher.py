"""``manage.py dispatcher``: publish what is due, recover what was lost, until it is ended."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from celery_uncovered.jobs.dispatcher import Dispatcher


class Command(BaseCommand):
    help = "Publishes due and unpublished jobs and recovers those of dead workers. Two may run."

    def handle(self, *_: Any, **__: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        Dispatcher(stop=stop).run()
