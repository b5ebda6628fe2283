"""``python -m benchmarks.embedded_client 40``: submits jobs one by one to what runs, and tells how soon each began."""

import json
import sys
import time

import django
from django.db.models import F

#: A small task that the platform has everywhere.
TASK = "celery_uncovered.error_mails.tasks.tend_error_mails"
#: Seconds between two jobs, and for the last one to begin.
PAUSE, PATIENCE = 0.5, 30.0


def main() -> None:
    django.setup()
    from celery_uncovered.jobs import api as jobs  # noqa: PLC0415  # after the set-up
    from celery_uncovered.jobs.models import Job  # noqa: PLC0415

    ids = []
    for _ in range(int(sys.argv[1])):
        ids.append(jobs.submit(TASK))
        time.sleep(PAUSE)
    begun = Job.objects.filter(id__in=ids, started_at__isnull=False)
    deadline = time.monotonic() + PATIENCE
    while begun.count() < len(ids) and time.monotonic() < deadline:
        time.sleep(PAUSE)
    waits = begun.annotate(wait=F("started_at") - F("created_at")).values_list("wait", flat=True)
    sys.stdout.write(json.dumps([wait.total_seconds() for wait in waits]))


if __name__ == "__main__":
    main()
