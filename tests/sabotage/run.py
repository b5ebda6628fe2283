"""``python -m tests.sabotage.run [--only NAME] [--jobs 2]``: every patch must make tests fail.

Each patch is applied to a copy of the tree as it is in the working folder, and the tests of the
behaviours in its first line run there, the quick ones first, until each behaviour has a failing
test. A behaviour without one has survived.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.sabotage.patch import BadPatchError, Patch

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 900
#: pytest's exit codes for a run that got as far as running tests.
RAN = (0, 1)
#: In this order; a folder that is not there is left out.
FOLDERS = ("tests/unit", "tests/integration", "tests")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", metavar="NAME", help="this patch alone")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="patches tried at once")
    parser.add_argument("--tree", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    folder = options.tree / "tests/sabotage/patches"
    paths = [path for path in sorted(folder.glob("*.patch")) if options.only in (None, path.stem)]
    if not paths:
        say(f"No patch {options.only or '*'} in {folder}.")
        return 2 if options.only else 0
    with ThreadPoolExecutor(options.jobs) as pool:
        codes = list(pool.map(lambda path: try_patch(path, options.tree), paths))
    if len(codes) > 1:
        say(f"{codes.count(0)} of {len(codes)} patches noticed.")
    return max(codes)


def try_patch(path: Path, tree: Path) -> int:
    """Print the line for one patch; 0 if it was noticed."""
    begun = time.monotonic()
    try:
        patch = Patch.read(path)
        survivors = survivors_of(patch, tree)
    except BadPatchError as error:
        say(f"BAD      {path.stem}: {error}")
        return 1
    if survivors:
        say(f"SURVIVED {patch.name}: no test of {' '.join(survivors)} failed")
        return 1
    say(f"noticed  {patch.name}: {' '.join(patch.behaviours)} ({time.monotonic() - begun:.0f} s)")
    return 0


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def survivors_of(patch: Patch, tree: Path) -> list[str]:
    """The behaviours of the patch whose tests all passed."""
    with tempfile.TemporaryDirectory(prefix="cu-sabotage-") as name:
        copy = Path(name, "tree")
        copy_tree(tree, copy)
        patch.apply(copy)
        outcomes = run_tests(patch, copy, Path(name, "report.json"))
    for number in patch.behaviours:
        found = outcomes.get(number, set())
        if "failed" not in found and "error" in found:
            message = f"the tests of {number} could not start (an error outside the test)"
            raise BadPatchError(message)
        if found <= {"skipped"}:
            message = f"no test of {number} ran"
            raise BadPatchError(message)
    return [number for number in patch.behaviours if "failed" not in outcomes[number]]


def copy_tree(tree: Path, copy: Path) -> None:
    """What git knows or would add, with the content of the working folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (tree / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tree / name, copy / name)


def run_tests(patch: Patch, copy: Path, report: Path) -> dict[str, set[str]]:
    """The outcomes of the tests of each behaviour, whatever stack they ran on."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--behaviours", " ".join(patch.behaviours), "--behaviours-report", str(report)]
    command += ["--until-failed", *(name for name in FOLDERS if (copy / name).is_dir())]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"its tests did not end within {SECONDS} s"
        raise BadPatchError(message) from None
    if done.returncode not in RAN or not report.exists():
        ending = (done.stdout + done.stderr).strip().splitlines()[-1:]
        message = f"pytest ended with {done.returncode}: {''.join(ending)}"
        raise BadPatchError(message)
    by_number = json.loads(report.read_text())
    return {
        number: {outcome for tests in stacks.values() for outcome in tests.values()}
        for number, stacks in by_number.items()
    }


def environment() -> dict[str, str]:
    """The caller's, without an outer pytest's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


if __name__ == "__main__":
    sys.exit(main())
