"""Every command of docker-compose.yml is one that the project has, with options that it takes."""

import importlib.util
import os
import re
import subprocess
import sys
from typing import Any

import click
import pytest
from celery.bin.celery import celery
from django.core.management import get_commands
from django.urls import resolve

from celery_uncovered.celery import app
from tests.unit.deployment.compose import ROOT
from tests.unit.deployment.conftest import Services


@pytest.mark.parametrize("name", ["migrate", "dispatcher"])
def test_a_management_command_exists(ours: Services, name: str) -> None:
    program, script, command, *_ = ours[name]["command"]
    assert (program, script) == ("python", "manage.py")
    assert command in get_commands()


@pytest.mark.parametrize("name", ["worker-default", "worker-io", "beat"])
def test_celery_takes_the_command_and_its_options(ours: Services, name: str) -> None:
    assert_celery_takes(ours[name]["command"])


@pytest.mark.parametrize("name", ["worker-default", "worker-io"])
def test_a_worker_is_asked_by_the_name_that_it_has(ours: Services, name: str) -> None:
    kind, check = ours[name]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    words = check.split()
    assert_celery_takes(words)
    own = ours[name]["command"][ours[name]["command"].index("-n") + 1]
    assert words[words.index("--destination") + 1] == own.replace("%h", "$HOSTNAME")


def test_gunicorn_takes_the_command_of_web(ours: Services) -> None:
    program, *arguments = ours["web"]["command"]
    assert program == "gunicorn"
    done = run([sys.executable, "-m", program, "--print-config", *arguments])
    assert re.search(r"^bind\s+= \['0\.0\.0\.0:8000'\]$", done, re.MULTILINE)


def test_the_health_check_of_web_asks_for_a_page_that_exists(ours: Services) -> None:
    _, _, _, script = ours["web"]["healthcheck"]["test"]
    compile(script, "healthcheck", "exec")
    assert "http://127.0.0.1:8000/healthz/" in script
    assert resolve("/healthz/")


@pytest.mark.parametrize("name", ["standin", "payments-standin", "chat-standin"])
def test_a_stand_in_is_a_module_that_takes_its_options(ours: Services, name: str) -> None:
    program, flag, module, *arguments = ours[name]["command"]
    assert (program, flag) == ("python", "-m")
    assert importlib.util.find_spec(module)
    help_text = run([sys.executable, "-m", module, "--help"])
    assert all(word in help_text for word in arguments if word.startswith("--"))


def assert_celery_takes(words: list[Any]) -> None:
    """The group's and the command's own parsers accept the words, which name our app."""
    program, flag, module, command, *arguments = words
    assert (program, flag, module) == ("celery", "-A", app.main)
    taken = celery.commands[command]
    taken.make_parser(click.Context(taken)).parse_args([str(word) for word in arguments])


def run(command: list[str]) -> str:
    """What the command prints; it must succeed."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
