"""``python -m tests.chaos``: the long run; Ctrl-C ends it."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chaos.plan import FULL_JOBS, LONG, Plan
from tests.chaos.run import Run, say
from tests.servers import session
from tests.stacks import EMBEDDED, SERVERS, Stack

RESULTS = session.ROOT / "benchmarks/results"
BUILD = session.ROOT / "build"
INTERRUPTED = 130
#: How long the clients of a full run take to submit.
FULL_MINUTES = 40


def main() -> int:
    try:
        with session.opened(), tempfile.TemporaryDirectory(prefix="cu-chaos-") as folder:
            return carry_out(plan_of(parser().parse_args()), Path(folder))
    except KeyboardInterrupt:
        say("Interrupted; nothing was audited.")
        return INTERRUPTED


def carry_out(plan: Plan, folder: Path) -> int:
    stack = Stack(plan.stack, folder, own_servers=plan.has_servers)
    try:
        report = Run(plan=plan, stack=stack, tell=say).carry_out()
    finally:
        stack.close()
    report.write(BUILD / f"chaos-{plan.stack}.json")
    if plan.is_full:
        report.write(RESULTS / f"chaos-{plan.stack}.json")
        render = [sys.executable, "-m", "benchmarks", "--render"]
        subprocess.run(render, cwd=session.ROOT, check=True)
    say(report.text())
    return 1 if report.problems else 0


def plan_of(options: argparse.Namespace) -> Plan:
    return Plan(
        stack=options.stack,
        jobs=options.jobs,
        minutes=options.minutes or max(1.0, options.jobs / FULL_JOBS * FULL_MINUTES),
        seed=options.seed,
        periods=LONG,
    )


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    arguments.add_argument("--jobs", type=int, default=FULL_JOBS, help="100000 by default")
    arguments.add_argument("--seed", type=int, default=1, help="decides what is killed when")
    arguments.add_argument("--stack", choices=(SERVERS, EMBEDDED), default=SERVERS)
    arguments.add_argument(
        "--minutes",
        type=float,
        help=f"how long to submit; {FULL_MINUTES} for {FULL_JOBS:,} jobs by default",
    )
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
