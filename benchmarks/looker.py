"""How a client process of the project looks for the end of a job: on a connection of its own."""

import os
import time

from benchmarks.ledger import SQLITE, connect

#: By the id alone: with the state beside it PostgreSQL may read all jobs of that state.
STATE = "SELECT state, result FROM jobs_job WHERE id = %s"


class Looker:
    def __init__(self) -> None:
        url = os.environ["DATABASE_URL"]
        self.connection = connect(url)
        self.statement = STATE.replace("%s", "?") if url.startswith(SQLITE) else STATE

    def await_success(self, task_id: str, pause: float) -> str:
        """The result that is recorded, as JSON; looks again after ``pause`` seconds.

        The row itself may be still to come, as that of a chord's callback is.
        """
        while True:
            found = self.connection.execute(self.statement, [task_id]).fetchone()
            if found and found[0] == "SUCCESS":
                return str(found[1])
            time.sleep(pause)
