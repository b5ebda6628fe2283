"""``python -m tests.load.errors``: 10,000 errors of 20 kinds in a minute, and what becomes of them.

First, in turns, the same storm at a web process that mails errors and at one that does not: the
answers may not be slower than by five milliseconds. Then the minute: the mail server is away for
half of it, the broker for a quarter; every request must be answered, at most twenty mails may come
in a minute, and what they say must add up.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
from pathlib import Path

from tests.load.storm import SETTINGS, Answers, Storm
from tests.servers import session
from tests.servers.relay import Relay
from tests.servers.smtp import MailServer
from tests.stacks import SERVERS, Stack

ALLOWED_SECONDS = 0.005


def main() -> int:
    options = parser().parse_args()
    with contextlib.ExitStack() as ends:
        ends.enter_context(session.opened())
        folder = ends.enter_context(tempfile.TemporaryDirectory(prefix="cu-load-"))
        stack = Stack(SERVERS, Path(folder), settings=SETTINGS)
        ends.callback(stack.close)
        assert stack.rabbitmq
        mails = ends.enter_context(MailServer())
        to_mails = ends.enter_context(Relay(mails.port))
        to_broker = ends.enter_context(Relay(stack.rabbitmq.port))
        storm = Storm(stack, mails, to_mails, to_broker)
        problems = compare(storm, options) if options.turns else []
        problems += endure(storm, options) if options.storm else []
    for problem in problems:
        say(f"WRONG: {problem}")
    return 1 if problems else 0


def compare(storm: Storm, options: argparse.Namespace) -> list[str]:
    """The same storm at both web processes, one after the other, the order changing each time."""
    rate = options.errors / options.seconds
    number = round(rate * options.turn_seconds)
    slower, total = [], 0
    for turn in range(options.turns):
        webs = [storm.silent_web, storm.web]
        found = {}
        for web in webs if turn % 2 else webs[::-1]:
            found[web.name] = storm.strike(web, number, options.kinds, options.turn_seconds)
        total += number
        without, with_mails = found[storm.silent_web.name], found[storm.web.name]
        slower.append(with_mails.p95 - without.p95)
        say(f"Turn {turn + 1}: without {shown(without)}; with {shown(with_mails)}")
    storm.await_mails(total)
    storm.mails.mails.clear()
    median = statistics.median(slower)
    say(f"95 % of the answers are slower by {median * 1000:+.1f} ms (median of the turns).")
    return [f"Slower by {median * 1000:.1f} ms."] if median > ALLOWED_SECONDS else []


def endure(storm: Storm, options: argparse.Namespace) -> list[str]:
    answers = storm.strike(storm.web, options.errors, options.kinds, options.seconds)
    say(f"{len(answers.times):,} requests, {answers.unanswered} unanswered, {shown(answers)}")
    storm.await_mails(options.errors)
    say(
        f"{len(storm.mails.mails)} mails, at most {storm.most_mails_in_a_minute()} in a minute, tell of "
        f"{storm.mails.total('/raise/'):,} errors."
    )
    return storm.problems(answers, options.errors, options.kinds)


def shown(answers: Answers) -> str:
    return f"p50 {answers.p50 * 1000:.1f} ms, p95 {answers.p95 * 1000:.1f} ms"


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(prog="python -m tests.load.errors", description=__doc__)
    arguments.add_argument("--errors", type=int, default=10_000)
    arguments.add_argument("--kinds", type=int, default=20)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--turns", type=int, default=3, help="0 for none")
    arguments.add_argument("--turn-seconds", type=float, default=10)
    arguments.add_argument(
        "--storm", action=argparse.BooleanOptionalAction, default=True, help="the minute itself"
    )
    return arguments


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
