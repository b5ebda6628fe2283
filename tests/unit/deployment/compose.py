"""docker-compose.yml as a real parser reads it, and the names that the project offers to it."""

import ast
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
FILE = ROOT / "docker-compose.yml"
ENVIRONMENT_EXAMPLE = ROOT / ".env.example"
#: The variables that have no default.
SECRETS = {
    "SECRET_KEY": "s" * 64,
    "POSTGRES_PASSWORD": "databasepassword",
    "RABBITMQ_PASSWORD": "brokerpassword",
}
#: podman-compose asks for the engine's version and needs nothing else of it.
STAND_IN = "#!/bin/sh\necho 'podman version 5.0.0'\n"


def parsed(environment: Mapping[str, str] = SECRETS) -> dict[str, Any]:
    """The file with all profiles, merged and interpolated."""
    done = parse(environment)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = yaml.safe_load(done.stdout)
    return document


def parse(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """``podman-compose config`` without an engine and without a person's .env."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Path(folder) / "podman"
        engine.write_text(STAND_IN)
        engine.chmod(0o700)
        nothing = Path(folder) / "empty.env"
        nothing.touch()
        compose = Path(sys.executable).with_name("podman-compose")
        options = ["--file", str(FILE), "--env-file", str(nothing), "--profile", "demo"]
        return subprocess.run(
            [str(compose), *options, "config"],
            cwd=folder,
            env={**environment, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def interpolated() -> set[str]:
    """The variables that the file takes from the environment, by ``${NAME}`` or by name alone."""
    named = re.findall(r"\$\{([A-Z_]+)", FILE.read_text())
    services: dict[str, dict[str, Any]] = parsed()["services"]
    handed_on = (
        name
        for service in services.values()
        for name, value in service.get("environment", {}).items()
        if value is None
    )
    return {*named, *handed_on}


def read_by_settings() -> set[str]:
    """The variables that config/settings reads; the suite's own settings are not looked at."""
    paths = set((ROOT / "config/settings").glob("*.py")) - {ROOT / "config/settings/test.py"}
    return {name for path in paths for name in read_by(path)}


def read_by(path: Path) -> Iterator[str]:
    """The first arguments of ``env(...)``, ``env.str(...)`` and ``os.environ.get(...)``."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(
                func=(
                    ast.Name(id="env")
                    | ast.Attribute(value=ast.Name(id="env"))
                    | ast.Attribute(value=ast.Attribute(attr="environ"), attr="get")
                ),
                args=[ast.Constant(value=str(name)), *_],
            ):
                yield name
