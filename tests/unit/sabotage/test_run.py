"""The sabotage runner tells noticed, survived and bad patches apart."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sabotage.run import main
from tests.servers.session import ROOT

ADD = "def add(a: int, b: int) -> int:\n    return a + b\n"
TESTS = """
import pytest
from shop import add

@pytest.mark.behaviour("J1")
def test_it_adds():
    assert add(2, 2) == 4

@pytest.mark.behaviour("J3")
def test_it_is_there():
    assert add
"""
INI = "[pytest]\npythonpath = .\naddopts = -p no:django -p tests.plugins.behaviours\ntestpaths = tests\n"
WRONG = ("return a + b", "return a - b")
Sabotage = Callable[[str, tuple[str, str]], tuple[int, str]]


@pytest.fixture
def sabotage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Sabotage:
    """Tries a patch that replaces one text of the shop's code, under a header line."""
    tree = tmp_path / "project"
    for folder in ("docs/reference/behaviours", "tests/plugins", "tests/servers"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns("*.pyc"))
    (tree / "tests/__init__.py").touch()
    (tree / "tests/test_shop.py").write_text(TESTS)
    (tree / "pytest.ini").write_text(INI)
    (tree / "shop.py").write_text(ADD)
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    patches = tree / "tests/sabotage/patches"
    patches.mkdir(parents=True)

    def attempt(header: str, change: tuple[str, str]) -> tuple[int, str]:
        (patches / "one.patch").write_text(f"{header}\n{diff(*change)}")
        code = main(["--tree", str(tree)])
        return code, re.sub(r"\(\d+ s\)", "(0 s)", capsys.readouterr().out)

    return attempt


def diff(old: str, new: str) -> str:
    return (
        "--- a/shop.py\n+++ b/shop.py\n@@ -1,2 +1,2 @@\n def add(a: int, b: int) -> int:\n"
        f"-    {old}\n+    {new}\n"
    )


def test_a_patch_that_a_test_notices_is_fine(sabotage: Sabotage) -> None:
    assert sabotage("Behaviours: J1", WRONG) == (0, "noticed  one: J1 (0 s)\n")


def test_a_patch_that_no_test_notices_survives(sabotage: Sabotage) -> None:
    code, line = sabotage("Behaviours: J1 J3", WRONG)
    assert (code, line) == (1, "SURVIVED one: no test of J3 failed\n")


def test_a_patch_that_no_longer_applies_is_bad(sabotage: Sabotage) -> None:
    code, line = sabotage("Behaviours: J1", ("return a * b", "return 4"))
    assert code == 1
    assert line.startswith("BAD      one: it does not apply")


def test_a_patch_without_its_behaviours_is_bad(sabotage: Sabotage) -> None:
    code, line = sabotage("Breaks the sum", WRONG)
    assert code == 1
    assert 'must be "Behaviours: J1 J6"' in line


def test_a_behaviour_without_tests_is_bad(sabotage: Sabotage) -> None:
    code, line = sabotage("Behaviours: J5", WRONG)
    assert code == 1
    assert line.startswith("BAD      one: pytest ended with 5")


def test_code_that_cannot_be_imported_is_no_failing_test(sabotage: Sabotage) -> None:
    code, line = sabotage("Behaviours: J1", ("return a + b", "return a +"))
    assert code == 1
    assert line.startswith("BAD      one: pytest ended with 2")


def test_only_takes_one_patch(sabotage: Sabotage, tmp_path: Path) -> None:
    assert sabotage("Behaviours: J1", WRONG)[0] == 0
    assert main(["--tree", str(tmp_path / "project"), "--only", "other"]) == 2
    assert main(["--tree", str(tmp_path / "project"), "--only", "one"]) == 0


def test_several_patches_are_tried_at_once_and_counted(
    sabotage: Sabotage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sabotage("Behaviours: J1", WRONG)
    patches = tmp_path / "project/tests/sabotage/patches"
    (patches / "two.patch").write_text((patches / "one.patch").read_text())
    assert main(["--tree", str(tmp_path / "project"), "--jobs", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.split(":")[0] for line in lines[:2]) == ["noticed  one", "noticed  two"]
    assert lines[2:] == ["2 of 2 patches noticed."]


def test_the_run_ends_with_the_first_failing_test_of_each_behaviour(
    sabotage: Sabotage, tmp_path: Path
) -> None:
    (tmp_path / "project/tests/test_zoo.py").write_text(
        "import pathlib, pytest\n"
        "@pytest.mark.behaviour('J1')\n"
        f"def test_it_is_not_reached(): pathlib.Path({str(tmp_path / 'reached')!r}).touch()\n"
    )
    assert sabotage("Behaviours: J1", WRONG)[0] == 0
    assert not (tmp_path / "reached").exists()
