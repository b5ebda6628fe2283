"""``@pytest.mark.behaviour("J7")``: which behaviours were shown by tests, and on which stack.

Every test carries its numbers and its stack in ``user_properties``, so that the controller of
xdist learns them from the reports. Under ``CI`` a run of the whole suite fails when a behaviour
that is due was not collected, run and passed on each stack that it must hold on.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.plugins.numbers import Numbers
from tests.plugins.shown import Shown

NUMBERS = pytest.StashKey[Numbers]()
SHOWN = pytest.StashKey[Shown]()
PROPERTY = "behaviours"
FIXTURES = {"embedded_stack": "embedded", "servers_stack": "servers", "killable_stack": "servers"}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("behaviours")
    group.addoption("--behaviours", default="", help="Only the tests of these, as 'J1 J7'.")
    group.addoption("--behaviours-report", type=Path, help="Write what was shown to this file.")
    group.addoption(
        "--until-failed",
        action="store_true",
        help="End the run when a test of each of --behaviours has failed.",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "behaviour(*numbers, stack=None): the behaviours it shows")
    config.stash[NUMBERS] = Numbers.read(Path(config.rootpath, "docs/reference/behaviours"))
    config.stash[SHOWN] = Shown()
    if unknown := chosen(config) - config.stash[NUMBERS].known:
        message = f"--behaviours names {', '.join(sorted(unknown))}: no page does."
        raise pytest.UsageError(message)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module whose marker names an unknown behaviour is a collection error."""
    report = yield
    known = collector.config.stash[NUMBERS].known
    for item in report.result or []:
        unknown = numbers_of(item) - known if isinstance(item, pytest.Item) else set()
        if unknown:
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid}: {', '.join(sorted(unknown))} is no behaviour."
            report.result = []
            break
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if numbers := numbers_of(item):
            item.user_properties.append((PROPERTY, [stack_of(item), *sorted(numbers)]))
    if wanted := chosen(config):
        others = [item for item in items if not numbers_of(item) & wanted]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if numbers_of(item) & wanted]


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Count reports in the controller, or in the only process."""
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Reporter(session), "behaviours-reporter")


class Reporter:
    def __init__(self, session: pytest.Session) -> None:
        self.session = session
        self.config = config = session.config
        self.shown = config.stash[SHOWN]
        self.numbers = config.stash[NUMBERS]
        self.missing: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties:
            if name == PROPERTY and isinstance(value, list):
                stack, *numbers = map(str, value)
                self.shown.add(report, stack, numbers)
        if self.config.getoption("until_failed") and self.shown.have_failed(chosen(self.config)):
            self.session.shouldfail = "a test of each of --behaviours has failed"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        if path := self.config.getoption("behaviours_report"):
            path.write_text(json.dumps(self.shown.by_number(), indent=1))
        self.missing = self.shown.missing(self.numbers)
        is_well = self.session.exitstatus == pytest.ExitCode.OK
        if self.missing and self.must_be_complete and is_well:
            self.session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        due = self.numbers.due
        open_numbers = {line.split()[0] for line in self.missing}
        terminalreporter.write_line(
            f"Behaviours: {len(due) - len(open_numbers)} of {len(due)} due shown, "
            f"{len(self.numbers.not_due)} not due yet."
        )
        if self.must_be_complete:
            for line in self.missing:
                terminalreporter.write_line(f"Behaviour {line}", red=True)

    @property
    def must_be_complete(self) -> bool:
        return bool(os.environ.get("CI")) and is_whole_suite(self.config)


def is_whole_suite(config: pytest.Config) -> bool:
    """No path, -k, -m or the like chose a part."""
    options: Any = config.option
    chosen_part = (options.keyword, options.markexpr, options.deselect, options.behaviours)
    more = ("lf", "failedfirst", "stepwise", "ignore", "ignore_glob", "collectonly")
    everything = pytest.Config.ArgsSource.TESTPATHS
    return config.args_source is everything and not any(
        (*chosen_part, *(getattr(options, name, None) for name in more))
    )


def chosen(config: pytest.Config) -> set[str]:
    return set(config.getoption("behaviours").replace(",", " ").split())


def numbers_of(item: pytest.Item) -> set[str]:
    return {str(number) for mark in item.iter_markers("behaviour") for number in mark.args}


def stack_of(item: pytest.Item) -> str:
    """The stack a test runs on: what its marker says, or its fixture; "any" without one."""
    said = [mark.kwargs["stack"] for mark in item.iter_markers("behaviour") if mark.kwargs]
    params = item.callspec.params if hasattr(item, "callspec") else {}
    given = [params[name] for name in ("stack", "any_stack", "database") if name in params]
    asked = [FIXTURES[name] for name in getattr(item, "fixturenames", ()) if name in FIXTURES]
    return str([*said, *given, *asked, "any"][0])
