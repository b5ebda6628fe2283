"""``python -m tests.chaos.runs``: journeys for seven minutes while everything is killed, and an audit."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chaos.run import say
from tests.chaos.runs.plan import FULL_RUNS, LONG, Plan
from tests.chaos.runs.run import SETTINGS, Run
from tests.servers import session
from tests.stacks import EMBEDDED, SERVERS, Stack


def main() -> int:
    options = parser().parse_args()
    plan = Plan(
        stack=options.stack,
        jobs=options.runs,
        minutes=options.minutes,
        seed=options.seed,
        periods=LONG,
        workers=2,
        # A message that was lost is sent again after a minute or two, and may be lost again.
        patience=300.0,
        children=2,
    )
    with session.opened(), tempfile.TemporaryDirectory(prefix="cu-runs-") as folder:
        # PostgreSQL's user reaches its own folder only.
        stack = Stack(
            plan.stack, Path(folder), settings=SETTINGS, own_servers=options.stack == SERVERS
        )
        try:
            report = Run(plan=plan, stack=stack, tell=say).carry_out()
        finally:
            stack.close()
    report.write(session.ROOT / f"build/chaos-runs-{plan.stack}.json")
    if plan.is_full:
        report.write(session.ROOT / f"benchmarks/results/chaos-runs-{plan.stack}.json")
        render = [sys.executable, "-m", "benchmarks", "--render"]
        subprocess.run(render, cwd=session.ROOT, check=True)
    say(report.text())
    return 1 if report.problems else 0


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.runs", description=__doc__)
    arguments.add_argument(
        "--runs", type=int, default=FULL_RUNS, help="not counting their children"
    )
    arguments.add_argument("--minutes", type=float, default=7.0, help="over which they begin")
    arguments.add_argument("--seed", type=int, default=1, help="decides who is killed when")
    arguments.add_argument("--stack", choices=(EMBEDDED, SERVERS), default=SERVERS)
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
