"""Where the time of one job goes: ``python -m benchmarks.job_breakdown [--jobs 20000]``.

On RabbitMQ and PostgreSQL a full queue is drained by one worker with two processes. The kernel says
what processor time each process took meanwhile, pg_stat_statements what the database was asked.
"""

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg

from benchmarks import processes, servers
from benchmarks.ledger import HAS_BEGUN, IS_DONE, IS_SENT, SUCCEEDED, Ledger
from benchmarks.processes import Processor
from benchmarks.report_project import new_folder
from benchmarks.results import table
from tests.servers import session
from tests.servers.postgres import PostgreSQL
from tests.stacks import SERVERS, Running, Stack

#: How long the jobs may take to be sent, and to be drained (seconds).
DEADLINE = 600.0
SUBMIT = "benchmarks.submit_client:many"
COUNTING = "\nshared_preload_libraries = 'pg_stat_statements'\npg_stat_statements.max = 5000\n"
#: What the clients asked, the benchmark's own looks apart.
STATEMENTS = """
SELECT regexp_replace(query, '\\s+', ' ', 'g'), calls, total_exec_time
FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
WHERE datname = %s AND query NOT LIKE '%%looked%%' AND toplevel
ORDER BY total_exec_time DESC
"""
WRITES = """
SELECT txid_snapshot_xmax(txid_current_snapshot()), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')
"""
#: Statements that only frame others; each is a round trip all the same.
FRAMES = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
SHOWN, WIDTH = 12, 90


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What ``jobs`` took from the first claim to the last record; ``seconds`` are the clock's."""

    jobs: int
    seconds: float
    used: Mapping[str, Processor]
    megabytes: float
    statements: list[tuple[str, int, float]]
    commits: int
    wal_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job_breakdown", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--concurrency", type=int, default=2)
    options = parser.parse_args()
    with session.opened():
        session.once("postgres", lambda: counting().start().address())
        drained = measure(options.jobs, options.concurrency)
    print("\n\n".join([f"{drained.jobs / drained.seconds:,.0f} jobs/s", *tables(drained)]))


def counting() -> PostgreSQL:
    """A durable PostgreSQL that counts statements."""
    server = servers.durable()
    with (server.data / "postgresql.conf").open("a") as file:
        file.write(COUNTING)
    return server


# --- measuring -----------------------------------------------------------------------------------
def measure(jobs: int, concurrency: int) -> Drained:
    with filled(jobs) as (stack, dispatcher), connected(stack) as counters:
        ledger = Ledger(stack)
        options = ["--loglevel", "WARNING", "-Q", "default", "--concurrency", str(concurrency)]
        worker = stack.start("worker", *options, wait=False)
        began = ledger.moment_of(HAS_BEGUN, DEADLINE, pause=0.002)
        of = groups(stack, worker, dispatcher, {ledger.backend, counters.info.backend_pid})
        before, (commits, wal) = used(of), writes(counters)
        counters.execute("SELECT pg_stat_statements_reset()")
        ended = ledger.moment_of(IS_DONE, DEADLINE)
        after, (commits_after, wal_after) = used(of), writes(counters)
        asked = statements(counters, stack)
        if ledger.ask(SUCCEEDED) != jobs:
            raise RuntimeError(stack.logs())
        return Drained(
            jobs=jobs,
            seconds=ended - began,
            used={name: after[name] - before[name] for name in of},
            megabytes=processes.megabytes(processes.tree(worker.pid)),
            statements=asked,
            commits=commits_after - commits,
            wal_bytes=wal_after - wal,
        )


@contextlib.contextmanager
def filled(jobs: int) -> Iterator[tuple[Stack, Running]]:
    """A stack whose broker has all the jobs, and its dispatcher."""
    stack = Stack(SERVERS, new_folder(SERVERS))
    stack.env |= {"LOG_LEVEL": "WARNING"}
    try:
        dispatcher = stack.start("dispatcher", wait=False)
        stack.call(SUBMIT, jobs, timeout=DEADLINE)
        Ledger(stack).moment_of(IS_SENT, DEADLINE)
        yield stack, dispatcher
    finally:
        stack.close()


def connected(stack: Stack) -> psycopg.Connection:
    """To the stack's server, in a database of its own, where the counters can be read."""
    if stack.postgres is None:
        raise RuntimeError(SERVERS)
    connection = psycopg.connect(stack.postgres.url("postgres"), autocommit=True)
    connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    return connection


def groups(
    stack: Stack, worker: Running, dispatcher: Running, lookers: set[int]
) -> dict[str, list[int]]:
    """The ids of the processes of each part; ``lookers`` are the benchmark's own backends."""
    children = [pid for pid in processes.tree(worker.pid) if pid != worker.pid]
    if stack.postgres is None or stack.rabbitmq is None:
        raise RuntimeError(SERVERS)
    postmaster = int((stack.postgres.data / "postmaster.pid").read_text().split()[0])
    rabbitmq = int((stack.rabbitmq.folder / "pid").read_text())
    return {
        "worker, main process": [worker.pid],
        "worker, children": children,
        "dispatcher": processes.tree(dispatcher.pid),
        "client": [stack.client.pid] if stack.client else [],
        "PostgreSQL": [pid for pid in processes.tree(postmaster) if pid not in lookers],
        "RabbitMQ": processes.tree(rabbitmq),
    }


def used(of: Mapping[str, list[int]]) -> dict[str, Processor]:
    return {name: processes.processor(pids) for name, pids in of.items()}


def writes(counters: psycopg.Connection) -> tuple[int, int]:
    """Transactions that wrote, and bytes of WAL, so far."""
    row = counters.execute(WRITES).fetchone() or (0, 0)
    return int(row[0]), int(row[1])


def statements(counters: psycopg.Connection, stack: Stack) -> list[tuple[str, int, float]]:
    """Text, calls and milliseconds, the most expensive first."""
    name = stack.env["DATABASE_URL"].rpartition("/")[2]
    return [
        (str(row[0]), int(row[1]), float(row[2])) for row in counters.execute(STATEMENTS, [name])
    ]


# --- telling -------------------------------------------------------------------------------------
def tables(drained: Drained) -> list[str]:
    return [processor_table(drained), database_table(drained), statements_table(drained)]


def processor_table(drained: Drained) -> str:
    everything = sum(drained.used.values(), Processor(user=0, system=0))
    rows = [
        [
            name,
            *(f"{1e6 * value / drained.jobs:.1f}" for value in (one.user, one.system, one.total)),
        ]
        for name, one in [*drained.used.items(), ("all", everything)]
    ]
    return table(["processor, µs a job", "user", "system", "sum"], rows)


def database_table(drained: Drained) -> str:
    calls = sum(count for _, count, _ in drained.statements)
    framing = sum(count for text, count, _ in drained.statements if text.startswith(FRAMES))
    rows = [
        ["statements", per(calls - framing, drained)],
        ["round trips (with BEGIN and COMMIT)", per(calls, drained)],
        ["writing transactions", per(drained.commits, drained)],
        ["bytes of WAL", f"{drained.wal_bytes / drained.jobs:.0f}"],
        ["ms in statements", per(sum(ms for _, _, ms in drained.statements), drained)],
        ["memory of the worker, MB in all", f"{drained.megabytes:.0f}"],
    ]
    return table(["a job", ""], rows)


def statements_table(drained: Drained) -> str:
    rows = [
        [f"{1000 * ms / drained.jobs:.1f}", str(calls), text[:WIDTH].replace("|", "\\|")]
        for text, calls, ms in drained.statements[:SHOWN]
    ]
    return table(["µs a job", "calls", "statement"], rows)


def per(amount: float, drained: Drained) -> str:
    return f"{amount / drained.jobs:.4f}"


if __name__ == "__main__":
    main()
