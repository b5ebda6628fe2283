"""What a project may leave out: a project of its own has no line of config/settings."""

import ast
from pathlib import Path

import celery_uncovered.jobs
from celery_uncovered.jobs.defaults import DEFAULTS

FOLDER = Path(celery_uncovered.jobs.__file__).parent


def asked_for() -> set[str]:
    """The names of our own that the app reads as attributes of the settings."""
    return {
        node.attr
        for path in FOLDER.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "settings"
        and node.attr.startswith("JOBS_")
    }


def test_every_setting_of_ours_that_is_asked_for_has_a_default() -> None:
    found = asked_for()
    assert "JOBS_LEASE_SECONDS" in found
    assert found <= set(DEFAULTS)
