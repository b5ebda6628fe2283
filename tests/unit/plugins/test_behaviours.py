"""The behaviour plugin: unknown numbers are refused, and under CI nothing due may be missing."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = "# Jobs\n\n- J1 A job runs.\n- J2 It ends.\n- J21 RabbitMQ is killed.\n"
STACKS = """
import pytest

@pytest.fixture(params=["embedded", "servers"])
def stack(request):
    return request.param
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """J1 alone is due; a whole run of ``tests`` under CI must show it on both stacks."""
    folder = pytester.mkpydir("tests").parent / "docs/reference/behaviours"
    folder.mkdir(parents=True)
    (folder / "jobs.md").write_text(PAGE)
    (folder / "not-due.txt").write_text("# later\nJ2 J21\n")
    pytester.makeini("[pytest]\ntestpaths = tests\naddopts = -p no:django -p no:playwright\n")
    pytester.makeconftest(STACKS)
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[3]))
    return pytester


def run(project: pytest.Pytester, test: str, *args: str) -> pytest.RunResult:
    (project.path / "tests/test_one.py").write_text(f"import pytest\n{test}")
    return project.runpytest_subprocess("-p", "project_plugin", *args)


@pytest.fixture(autouse=True)
def plugin(project: pytest.Pytester) -> None:
    """The project has a package named tests too, so the plugin comes under another name."""
    source = Path(__file__).resolve().parents[2] / "plugins"
    names = {"tests.plugins.numbers": "numbers_plugin", "tests.plugins.shown": "shown_plugin"}
    for module in ("numbers", "shown", "behaviours"):
        text = (source / f"{module}.py").read_text()
        for old, new in names.items():
            text = text.replace(old, new)
        text = text.replace("from tests.servers.session import ROOT", "ROOT = Path()")
        name = "project" if module == "behaviours" else module
        (project.path / f"{name}_plugin.py").write_text(text)
    project.syspathinsert()


BOTH = '@pytest.mark.behaviour("J1")\ndef test_it(stack): assert stack\n'
NO_STACK = '@pytest.mark.behaviour("J1")\ndef test_it(): pass\n'
SKIPS_ONE = (
    '@pytest.mark.behaviour("J1")\ndef test_it(stack):\n    if stack == "servers": pytest.skip()\n'
)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_due_behaviour_that_passed_on_both_stacks_is_shown(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = run(project, BOTH, *workers)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["Behaviours: 1 of 1 due shown, 2 not due yet."])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_skip_on_one_stack_fails_the_whole_run(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = run(project, SKIPS_ONE, *workers)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["Behaviour J1 did not pass (skipped) on servers."])


def test_a_test_without_a_stack_shows_nothing_about_stacks(project: pytest.Pytester) -> None:
    result = run(project, NO_STACK)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["Behaviour J1 was not collected on embedded."])


def test_a_marker_may_say_its_stack(project: pytest.Pytester) -> None:
    marker = '@pytest.mark.behaviour("J1", stack="{0}")\ndef test_{0}(): pass\n'
    assert run(project, marker.format("embedded") + marker.format("servers")).ret == 0


@pytest.mark.parametrize("part", [("-k", "it"), ("tests/test_one.py",), ("-m", "behaviour")])
def test_a_part_of_the_suite_need_not_be_complete(
    project: pytest.Pytester, part: tuple[str, ...]
) -> None:
    assert run(project, NO_STACK, *part).ret == 0


def test_without_ci_nothing_fails(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI")
    result = run(project, NO_STACK)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["Behaviours: 0 of 1 due shown, 2 not due yet."])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_an_unknown_number_is_an_error_at_collection(
    project: pytest.Pytester, workers: tuple[str, ...]
) -> None:
    result = run(project, '@pytest.mark.behaviour("J99")\ndef test_it(): pass\n', *workers)
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*test_it: J99 is no behaviour."])


def test_behaviours_chooses_tests_by_number(project: pytest.Pytester) -> None:
    more = '@pytest.mark.behaviour("J2")\ndef test_other(): pass\n'
    result = run(project, NO_STACK + more, "--behaviours", "J2")
    result.assert_outcomes(passed=1, deselected=1)


def test_a_not_due_list_with_an_unknown_number_is_refused(project: pytest.Pytester) -> None:
    (project.path / "docs/reference/behaviours/not-due.txt").write_text("J7")
    assert run(project, NO_STACK).ret != 0
