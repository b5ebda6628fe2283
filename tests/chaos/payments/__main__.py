"""``python -m tests.chaos.payments``: 1,000 payments, and twenty deaths at each boundary."""

import argparse
import tempfile
from pathlib import Path

from tests.chaos.payments.plan import Plan
from tests.chaos.payments.run import SETTINGS, Run
from tests.chaos.run import say
from tests.servers import session
from tests.stacks import EMBEDDED, SERVERS, Stack


def main() -> int:
    options = parser().parse_args()
    plan = Plan(
        stack=options.stack, payments=options.payments, kills=options.kills, seed=options.seed
    )
    with session.opened(), tempfile.TemporaryDirectory(prefix="cu-payments-") as folder:
        stack = Stack(plan.stack, Path(folder), settings=SETTINGS)
        try:
            report = Run(plan=plan, stack=stack, tell=say).carry_out()
        finally:
            stack.close()
    report.write(session.ROOT / f"build/payments-{plan.stack}.json")
    say(report.text())
    return 1 if report.problems else 0


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos.payments", description=__doc__)
    arguments.add_argument("--payments", type=int, default=1000)
    arguments.add_argument("--kills", type=int, default=20, help="at each boundary")
    arguments.add_argument("--seed", type=int, default=1, help="decides who dies where")
    arguments.add_argument("--stack", choices=(EMBEDDED, SERVERS), default=SERVERS)
    return arguments


if __name__ == "__main__":
    raise SystemExit(main())
