""".env.example lists what the environment decides: no more, no less, and no secret."""

import itertools
import re

from tests.unit.deployment import compose
from tests.unit.deployment.compose import ENVIRONMENT_EXAMPLE, ROOT


def listed() -> dict[str, str]:
    found = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", ENVIRONMENT_EXAMPLE.read_text(), re.MULTILINE)
    names = [name for name, _ in found]
    assert len(names) == len(set(names)), "A variable is listed twice."
    return dict(found)


def test_it_lists_exactly_what_settings_compose_and_gunicorn_read() -> None:
    read = (
        compose.read_by_settings()
        | compose.interpolated()
        | set(compose.read_by(ROOT / "config/gunicorn.py"))
    )
    assert set(listed()) == read


def test_only_what_compose_needs_is_switched_on() -> None:
    active = re.findall(r"^([A-Z_]+)=(.*)$", ENVIRONMENT_EXAMPLE.read_text(), re.MULTILINE)
    assert dict(active) == dict.fromkeys(compose.SECRETS, "")


def test_every_variable_is_explained() -> None:
    lines = ENVIRONMENT_EXAMPLE.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"#?[A-Z_]+=", line):
            assert before.startswith("#"), line


def test_every_setting_that_compose_does_not_set_is_handed_on() -> None:
    """A variable of .env would otherwise be ignored in the containers without a word."""
    services = compose.parsed()["services"]
    inside = set(services["web"]["environment"])
    fixed_by_the_image = {"STATIC_ROOT"} | {
        f"{name}_STANDIN_PORT" for name in ("GITHUB", "PAYMENTS", "SLACK")
    }
    assert compose.read_by_settings() - fixed_by_the_image <= inside
