"""``python -m benchmarks.peers.jobs_rq_worker``: RQ's worker, which has the job's module loaded.

That is what RQ's documentation advises, so that not every forked process imports it anew.
"""

import rq

from benchmarks.peers import jobs_rq

if __name__ == "__main__":
    worker = rq.Worker([jobs_rq.queue], connection=jobs_rq.connection)
    worker.work(logging_level="WARNING")
