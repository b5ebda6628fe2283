"""``python -m tests.chaos.client``: submits its share, paced, and notes what it was told.

Arguments: the client's number, its jobs, the seconds to take, the longest work in ms, the seed. A job's id is
chosen beforehand: a client whose commit got no answer asks again under the same id.
"""

import logging
import os
import random
import sys
import time

import django
from django.conf import settings

from tests.chaos.evidence import WORK

log = logging.getLogger(__name__)

PAUSE = 0.1
#: The clients stop when there is a file of this name in DATA_DIR.
ENOUGH = "enough"


def main() -> None:
    django.setup()
    number, count, seconds, longest_ms, seed = sys.argv[1:]
    dice = random.Random(f"{seed} client {number}")  # noqa: S311
    folder = settings.DATA_DIR / "told"
    folder.mkdir(exist_ok=True)
    told = os.open(folder / number, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    began, pace = time.monotonic(), float(seconds) / int(count)
    for index in range(int(count)):
        if (settings.DATA_DIR / ENOUGH).exists():
            break
        due = began + (index + dice.random()) * pace
        time.sleep(max(0.0, due - time.monotonic()))
        accepted = submit_until_accepted(f"{number}-{index:06}", dice.randint(1, int(longest_ms)))
        os.write(told, f"{accepted}\n".encode())
        os.fsync(told)


def submit_until_accepted(task_id: str, milliseconds: int) -> str:
    # Django must be set up before its models are imported.
    from django.db import DatabaseError, InterfaceError, connection  # noqa: PLC0415

    from celery_uncovered.jobs import api as jobs  # noqa: PLC0415

    while True:
        try:
            return jobs.submit(WORK, args=[milliseconds], task_id=task_id)
        except (DatabaseError, InterfaceError) as error:
            log.warning("Job %s is not accepted yet: %s", task_id, error)
            connection.close()
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
