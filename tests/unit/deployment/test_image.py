"""The Dockerfile copies what exists, installs what is locked, and runs as nobody special."""

import json
import re
import tomllib
from fnmatch import fnmatch

from packaging.specifiers import SpecifierSet

from tests.unit.deployment.compose import ROOT
from tests.unit.deployment.conftest import Services

INSTRUCTIONS = [
    line
    for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    if line and not line.startswith("#")
]


def arguments(instruction: str) -> list[str]:
    return [line.partition(" ")[2] for line in INSTRUCTIONS if line.startswith(f"{instruction} ")]


def copied() -> list[str]:
    """What is copied from the repository, not from an earlier stage."""
    sources = (line.split()[:-1] for line in arguments("COPY") if not line.startswith("--from="))
    return [path for paths in sources for path in paths]


def test_every_copied_path_exists() -> None:
    assert {"manage.py", "config", "celery_uncovered"} <= set(copied())
    assert all((ROOT / path).exists() for path in copied())


def test_the_build_is_given_what_is_copied_and_nothing_secret() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())
    left_out = [line for line in lines if line.startswith("**/")]
    assert any(fnmatch("config/.env", pattern) for pattern in left_out)


def test_its_python_is_one_that_the_project_supports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = SpecifierSet(project["requires-python"])
    versions = re.findall(r"^FROM python:([\d.]+)-slim", "\n".join(INSTRUCTIONS), re.MULTILINE)
    assert len(versions) == len(arguments("FROM"))
    assert all(f"{version}.0" in supported for version in versions)


def test_packages_are_installed_by_hash() -> None:
    (install,) = (line for line in arguments("RUN") if "pip install" in line)
    assert "--require-hashes" in install
    assert "requirements/production.txt" in copied()


def test_it_runs_as_a_user_of_its_own_and_holds_no_secret() -> None:
    assert arguments("USER") == ["app"]
    assert not any("SECRET" in line or "PASSWORD" in line for line in arguments("ENV"))
    assert not arguments("ARG")


def test_it_runs_what_compose_runs_for_web(services: Services) -> None:
    (command,) = arguments("CMD")
    assert json.loads(command) == services["web"]["command"]
