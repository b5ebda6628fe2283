"""From click to finished CSV: five pages of 400 ms each, here and as people would do it otherwise."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping

from benchmarks import breakdown, report_peers, report_project
from benchmarks.comparison import Comparison, Figure, Goal, Side, Turn
from benchmarks.record import Record, Samples
from benchmarks.report_project import Made
from benchmarks.report_standin import Fetched, StandIn
from tests.stacks import EMBEDDED, SERVERS

#: Reports at the start of each turn that do not count: processes start, connections open.
WARM_UPS = 5
#: What is noted of one report, in seconds or numbers.
Sample = dict[str, float]


@contextlib.contextmanager
def opened(samples: int) -> Iterator[Mapping[str, Turn]]:
    standin = StandIn(report_project.new_folder("standin"), {"LANG": "C.UTF-8"})
    chord, alone = report_peers.chord, report_peers.one_after_other
    try:
        yield {
            SERVERS: functools.partial(project_turn, SERVERS, standin, samples),
            EMBEDDED: functools.partial(project_turn, EMBEDDED, standin, samples),
            report_peers.ONE_AFTER_OTHER: functools.partial(peer_turn, alone, standin, samples),
            report_peers.CHORD: functools.partial(peer_turn, chord, standin, samples),
        }
    finally:
        standin.end()


def project_turn(name: str, standin: StandIn, samples: int) -> Samples:
    with report_project.running(name, standin.url) as (stack, client):

        def measure(made: Made, fetched: Fetched) -> Sample:
            return common(made, fetched) | breakdown.milestones(stack, made, fetched)

        return take(client.make_report, measure, standin, samples)


def peer_turn(
    running: Callable[[str], contextlib.AbstractContextManager[report_peers.MakeReport]],
    standin: StandIn,
    samples: int,
) -> Samples:
    with running(standin.url) as make_report:
        return take(make_report, common, standin, samples)


def take(
    make_report: report_peers.MakeReport,
    measure: Callable[[Made, Fetched], Sample],
    standin: StandIn,
    samples: int,
) -> Samples:
    for _ in range(WARM_UPS):
        make_report()
    taken = []
    for _ in range(samples):
        standin.forget()
        taken.append(measure(make_report(), standin.fetched()))
    return {name: [sample[name] for sample in taken] for name in taken[0]}


def common(made: Made, fetched: Fetched) -> Sample:
    total = made.seen - made.clicked
    return {
        "total": total,
        "slowest_page": fetched.slowest,
        "overhead": total - fetched.slowest,
        "at_once": fetched.at_once,
    }


def timetables(record: Record) -> str:
    """Where the time of this project's reports goes, from the ledger."""
    parts = ["### Where the time goes\n\nMedians, in ms since the click and since the line before."]
    for side in COMPARISON.sides:
        if not side.is_peer:
            samples = {name: record.samples(side.name, name) for name in breakdown.MILESTONES}
            parts.append(f"{side.title}:\n\n{breakdown.timetable(samples)}")
    return "\n\n".join(parts)


COMPARISON = Comparison(
    name="report",
    question="""
Seconds from the click to the finished CSV: the month's 500 hottest repositories by language, made
anew each time, with a stand-in for GitHub that answers each of the five pages after 400 ms.
*Overhead* is what a report takes longer than its slowest page, as the stand-in saw it.

This project is used over HTTP: a JSON client sends the form's POST and then asks for the status,
with 10 ms between an answer and the next question, until it reads SUCCESS; *recorded* is when the
ledger's row said so. Web, worker default (2 processes), worker io (16 threads) and dispatcher run
as `make up` starts them. The peers write their CSV with `requests` and `csv` alone and keep no
record of it: the script without any queue, the chord on the same servers with the same two
workers, `acks_late`, confirms and a client that waits in `.get(interval=0.005)`. Clients live
through their turn; the processes of a side run during its turns only.
""",
    sides=(
        Side(name=SERVERS, title="this project, RabbitMQ and PostgreSQL"),
        Side(name=EMBEDDED, title="this project, embedded"),
        Side(
            name=report_peers.ONE_AFTER_OTHER,
            title="script, one page after the other",
            is_peer=True,
        ),
        Side(name=report_peers.CHORD, title="Celery chord, django-celery-results", is_peer=True),
    ),
    figures=(
        Figure(name="total", title="seconds from click to CSV"),
        Figure(name="finished", title="recorded"),
        Figure(name="slowest_page", title="slowest page"),
        Figure(name="overhead", title="overhead"),
        Figure(name="at_once", title="pages at the same time", digits=0),
    ),
    headline="total",
    goals=(
        Goal(
            text="overhead at most 0.15 s on RabbitMQ and PostgreSQL (median)",
            side=SERVERS,
            figure="overhead",
            bound=0.15,
            kind="median at most",
        ),
        Goal(
            text="overhead at most 0.4 s embedded (median)",
            side=EMBEDDED,
            figure="overhead",
            bound=0.4,
            kind="median at most",
        ),
        *(
            Goal(
                text=f"the five pages at the same time, in each report ({name})",
                side=name,
                figure="at_once",
                bound=5,
                kind="each at least",
                digits=0,
            )
            for name in (SERVERS, EMBEDDED)
        ),
    ),
    samples=20,
    open=opened,
    details=timetables,
)
