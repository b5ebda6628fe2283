"""How a client process of the project looks for the end of a job: on a connection of its own."""

import os
import time

from benchmarks.ledger import SQLITE, connect

SUCCEEDED = "SELECT result FROM jobs_job WHERE id = %s AND state = 'SUCCESS'"


class Looker:
    def __init__(self) -> None:
        url = os.environ["DATABASE_URL"]
        self.connection = connect(url)
        self.statement = SUCCEEDED.replace("%s", "?") if url.startswith(SQLITE) else SUCCEEDED

    def await_success(self, task_id: str, pause: float) -> str:
        """The result that is recorded, as JSON; looks again after ``pause`` seconds."""
        while (row := self.connection.execute(self.statement, [task_id]).fetchone()) is None:
            time.sleep(pause)
        return str(row[0])
