"""The project's settings: who is told, by what, and by nothing else."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils.log import AdminEmailHandler
from pytest_django import Settings

from celery_uncovered.error_mails import configured
from celery_uncovered.error_mails.checks import TWICE, check_logging
from config.settings.people import people_in
from tests.servers.session import ROOT

SHOW = """
import django, logging
django.setup()
from django.conf import settings
handlers = {
    type(handler).__name__
    for name in ["", "django", "django.request", *logging.root.manager.loggerDict]
    for handler in logging.getLogger(name).handlers
}
print(settings.ADMINS, "ErrorMailHandler" in handlers, "AdminEmailHandler" in handlers)
"""


def shown(folder: Path, settings: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": settings, "DATA_DIR": str(folder), "STACK": "any"}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("settings", "environment", "admins"),
    [
        ("config.settings.local", {}, [("", "admin@localhost")]),
        ("config.settings.production", {"SECRET_KEY": "s" * 50}, []),
        (
            "config.settings.local",
            {"ADMINS": "Ann <a@b.org>, c@d.org"},
            [("Ann", "a@b.org"), ("", "c@d.org")],
        ),
        ("config.settings.test", {"ADMINS": "a@b.org"}, [("", "a@b.org")]),
    ],
)
def test_errors_are_handed_to_the_worker_and_not_mailed_by_django(
    tmp_path: Path, settings: str, environment: dict[str, str], admins: list[tuple[str, str]]
) -> None:
    assert shown(tmp_path, settings, **environment) == f"{admins} True False"


def test_tests_that_are_about_something_else_do_without(tmp_path: Path) -> None:
    assert shown(tmp_path, "config.settings.test") == "[] False False"


@pytest.mark.parametrize("text", ["ann", "ann@example.org, bob", "<>", ","])
def test_what_is_no_address_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f'"{text}" is no list of mail addresses'):
        people_in(text)


def test_no_address_at_all_is_nobody() -> None:
    assert people_in("") == people_in("  ") == []


def test_two_handlers_that_mail_the_same_error_are_found(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ADMINS = [("", "ann@example.org")]
    monkeypatch.setattr(configured, "_has_handler", True)
    assert check_logging() == []
    logger, handler = logging.getLogger("tests.twice"), AdminEmailHandler()
    logger.addHandler(handler)
    try:
        assert check_logging() == [TWICE]
        monkeypatch.setattr(configured, "_has_handler", False)
        assert check_logging() == []
    finally:
        logger.removeHandler(handler)
