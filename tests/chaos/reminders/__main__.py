"""``python -m tests.chaos.reminders``: twenty pull requests over two simulated weeks."""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chaos.reminders.plan import Plan
from tests.chaos.reminders.run import SETTINGS, Run
from tests.chaos.run import say
from tests.servers import session
from tests.stacks import EMBEDDED, SERVERS, Stack

NAME = "reminders-{}.json"


def main() -> int:
    options = parser().parse_args()
    plan = Plan(stack=options.stack, pulls=options.pulls, days=options.days, seed=options.seed)
    with session.opened(), tempfile.TemporaryDirectory(prefix="cu-reminders-") as folder:
        stack = Stack(plan.stack, Path(folder), settings=SETTINGS)
        try:
            report = Run(plan=plan, stack=stack, tell=say).carry_out()
        finally:
            stack.close()
    report.write(session.ROOT / "build" / NAME.format(plan.stack))
    if plan.is_full:
        report.write(session.ROOT / "benchmarks/results" / NAME.format(plan.stack))
        render = [sys.executable, "-m", "benchmarks", "--render"]
        subprocess.run(render, cwd=session.ROOT, check=True)
    say(report.text())
    return 1 if report.problems else 0


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.reminders", description=__doc__)
    arguments.add_argument("--pulls", type=int, default=20, help="pull requests")
    arguments.add_argument("--days", type=int, default=14, help="simulated ones")
    arguments.add_argument("--seed", type=int, default=1, help="decides what happens when")
    arguments.add_argument("--stack", choices=(EMBEDDED, SERVERS), default=SERVERS)
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
