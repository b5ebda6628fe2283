"""What local settings keep for their owner, and what production sends mails with."""

import importlib.machinery
import importlib.util
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.secret import keep_private, read_or_write_secret
from tests.unit.deployment.compose import ROOT

SECRET = "s" * 50


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def setting(name: str, settings: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"from django.conf import settings; print(settings.{name})"],
        cwd=ROOT,
        env={"DJANGO_SETTINGS_MODULE": settings} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


@pytest.mark.parametrize("is_there", [True, False])
def test_local_settings_keep_the_data_folder_to_their_owner(
    tmp_path: Path,
    is_there: bool,  # noqa: FBT001  # a case
) -> None:
    folder = tmp_path / "data"
    if is_there:
        folder.mkdir(mode=0o755)
    assert setting("DATA_DIR", "config.settings.local", DATA_DIR=str(folder)) == str(folder)
    assert mode_of(folder) == 0o700


def test_a_folder_for_everybody_stays_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    keep_private(tmp_path)
    assert mode_of(tmp_path) == 0o1777


def test_the_secret_is_written_once_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret_key"
    secret = read_or_write_secret(path)
    assert len(secret) == 50
    assert read_or_write_secret(path) == secret
    assert mode_of(path) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_draft_that_a_crash_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"secret_key.{os.getpid()}").touch()
    assert read_or_write_secret(tmp_path / "secret_key")


def test_a_failed_write_leaves_no_draft(tmp_path: Path) -> None:
    with patch("os.fsync", side_effect=OSError("disk full")), pytest.raises(OSError, match="full"):
        read_or_write_secret(tmp_path / "secret_key")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_secret_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_text("\n")
    with pytest.raises(ImproperlyConfigured, match=rf"The secret in {path} is empty; delete"):
        read_or_write_secret(path)


def test_production_does_not_print_mails() -> None:
    given = {"SECRET_KEY": SECRET, "settings": "config.settings.production"}
    assert setting("EMAIL_BACKEND", **given).endswith("smtp.EmailBackend")
    assert setting("EMAIL_HOST", **given) == "localhost"
    assert setting("EMAIL_PORT", **given) == "25"
    chosen = setting("EMAIL_HOST", EMAIL_URL="smtp://mail.example.org:587", **given)
    assert chosen == "mail.example.org"


def test_make_up_means_what_the_settings_read_in_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        f"DATA_DIR={tmp_path / 'mine'}\nSITE_URL=https://a.example\nLOG_LEVEL=INFO\nTIME_ZONE=\n"
    )
    up = script("bin/up")
    up.ROOT = tmp_path
    with patch.dict(os.environ, {"LOG_LEVEL": "ERROR"}):
        for name in ("DATA_DIR", "SITE_URL", "TIME_ZONE"):
            os.environ.pop(name, None)
        made = up.prepare_environment(up.free_port_after(20_000))
    assert made["DATA_DIR"] == str(tmp_path / "mine")
    assert made["SITE_URL"] == "https://a.example"
    assert made["LOG_LEVEL"] == "ERROR", "what the caller sets comes first"
    assert "TIME_ZONE" not in made


def test_make_sign_in_names_the_port_of_make_up() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "sign-in", "PORT=9123"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "manage.py sign_in_link --port 9123" in done.stdout


def script(name: str) -> Any:
    """A script of the project as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("/", "_"), str(ROOT / name))
    specification = importlib.util.spec_from_loader(loader.name, loader)
    assert specification
    module = importlib.util.module_from_spec(specification)
    with patch.object(sys, "dont_write_bytecode", True):  # noqa: FBT003  # a switch of Python's
        loader.exec_module(module)
    return module


def test_an_installation_of_ones_own_has_a_webhook_secret_of_its_own(tmp_path: Path) -> None:
    name, local = "GITHUB_WEBHOOK_SECRET", "config.settings.local"
    written = setting(name, local, DATA_DIR=str(tmp_path))
    assert len(written) == 50
    assert setting(name, local, DATA_DIR=str(tmp_path)) == written
    assert written != setting("SECRET_KEY", local, DATA_DIR=str(tmp_path))
    assert mode_of(tmp_path / "github_webhook_secret") == 0o600
    assert setting(name, local, DATA_DIR=str(tmp_path), GITHUB_WEBHOOK_SECRET="given") == "given"


@pytest.mark.parametrize(
    ("given", "url", "is_standin"),
    [
        ({}, "http://127.0.0.1:8011/api", "True"),
        ({"SLACK_STANDIN_PORT": "9000"}, "http://127.0.0.1:9000/api", "True"),
        ({"SLACK_TOKEN": "given"}, "https://slack.com/api", "False"),
        ({"SLACK_API_URL": "https://chat.example/api"}, "https://chat.example/api", "False"),
    ],
)
def test_a_token_chooses_the_real_chat(
    tmp_path: Path, given: dict[str, str], url: str, is_standin: str
) -> None:
    local = {"settings": "config.settings.local", "DATA_DIR": str(tmp_path)} | given
    assert setting("SLACK_API_URL", **local) == url
    assert setting("SLACK_STANDIN", **local) == is_standin
