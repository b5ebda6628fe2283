"""What the tests of each behaviour came to, on each stack."""

from collections import defaultdict
from collections.abc import Iterable

import pytest

from tests.plugins.numbers import Numbers, stacks_of

#: From good to bad: a test is as good as its worst phase.
OUTCOMES = ("unfinished", "passed", "skipped", "failed", "error")


class Shown:
    def __init__(self) -> None:
        #: number -> stack -> test -> outcome
        self.outcomes: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))

    def add(self, report: pytest.TestReport, stack: str, numbers: Iterable[str]) -> None:
        outcome = outcome_of(report)
        for number in numbers:
            tests = self.outcomes[number][stack]
            before = tests.get(report.nodeid, "unfinished")
            tests[report.nodeid] = max(before, outcome, key=OUTCOMES.index)

    def by_number(self) -> dict[str, dict[str, dict[str, str]]]:
        return {number: dict(stacks) for number, stacks in self.outcomes.items()}

    def have_failed(self, numbers: Iterable[str]) -> bool:
        """Whether each of ``numbers`` has a failed test, on any stack."""
        return all(
            any("failed" in tests.values() for tests in self.outcomes.get(number, {}).values())
            for number in numbers
        )

    def missing(self, numbers: Numbers) -> list[str]:
        """A line for each due behaviour and stack that no test showed, or not every one."""
        return [
            f"{number} {why} on {stack}."
            for number in numbers.due
            for stack in sorted(stacks_of(number))
            if (why := self.fault(number, stack))
        ]

    def fault(self, number: str, stack: str) -> str:
        stacks = self.outcomes.get(number, {})
        if stack == "any":
            tests = {name: outcome for found in stacks.values() for name, outcome in found.items()}
        else:
            tests = stacks.get(stack, {})
        if not tests:
            return "was not collected"
        worst = max(tests.values(), key=OUTCOMES.index)
        return "" if worst == "passed" else f"did not pass ({worst})"


def outcome_of(report: pytest.TestReport) -> str:
    """A failure outside the test's own body, in a fixture, is an error."""
    if report.when == "call" or report.outcome == "skipped":
        return report.outcome
    return "error" if report.failed else "unfinished"
