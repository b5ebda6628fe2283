"""A stack has a database and a broker of its own, and nothing of the caller's environment."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from kombu import Connection

from tests.integration.stacks import helpers
from tests.servers.processes import started
from tests.stacks import Stack
from tests.support.client import RemoteError

ENGINES = {"servers": "django.db.backends.postgresql"}
NAMES = "INSERT INTO django_content_type (app_label, model) VALUES (%s, %s)"
COUNT = "SELECT count(*) FROM django_content_type WHERE app_label = %s"


def test_functions_and_scripts_run_on_the_stacks_database(any_stack: Stack) -> None:
    engine = ENGINES.get(any_stack.name, "django.db.backends.sqlite3")
    assert any_stack.call(helpers.engine) == engine
    source = "from django.db import connection; result = connection.vendor"
    assert any_stack.shell(source) in engine
    assert "no issues" in any_stack.manage("check").stdout


def test_calls_share_one_process_which_ends_with_the_stack(
    new_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = new_stack("embedded")
    first = stack.call(helpers.process_id)
    assert stack.call(helpers.process_id) == first
    stack.close()
    assert started(first) is None


def test_an_error_in_a_call_reaches_the_test_with_its_kind(embedded_stack: Stack) -> None:
    with pytest.raises(RemoteError, match="7 is refused: odd") as caught:
        embedded_stack.call(helpers.refuse, 7, why="odd")
    assert caught.value.kind == "ValueError"


def test_two_stacks_share_neither_rows_nor_messages(new_stack: Callable[..., Stack]) -> None:
    one, other = new_stack("servers"), new_stack("servers")
    one.query(NAMES, ["shop", "order"])
    assert one.query(COUNT, ["shop"]) == [(1,)]
    assert other.query(COUNT, ["shop"]) == [(0,)]
    assert one.env["CELERY_BROKER_URL"] != other.env["CELERY_BROKER_URL"]
    for stack in (one, other):
        with Connection(stack.env["CELERY_BROKER_URL"]) as connection:
            connection.ensure_connection(max_retries=1)


def test_a_wait_that_runs_out_shows_the_logs(embedded_stack: Stack) -> None:
    embedded_stack.call(helpers.process_id)
    with pytest.raises(AssertionError, match=r"(?s)Not within 0.1 s: snow.*noise on stdout"):
        embedded_stack.wait_for(lambda: False, 0.1, "snow")


def test_the_test_process_is_embedded_in_a_folder_of_its_own() -> None:
    assert settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert not settings.DATA_DIR.is_relative_to(settings.BASE_DIR)
