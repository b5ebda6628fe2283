"""The harness reads the lines of the work while they are written."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos.fleet import TAIL, busy_processes
from tests.chaos.load import Load
from tests.chaos.plan import LONG, Plan

PLAN = Plan(stack="servers", jobs=3, minutes=1.0, seed=1, periods=LONG)


@pytest.fixture
def effects(tmp_path: Path) -> Path:
    return tmp_path / "effects"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    stack: Any = SimpleNamespace(env={"DATA_DIR": str(tmp_path)})
    return Load(plan=PLAN, stack=stack)


def test_a_process_is_at_work_whose_last_line_is_a_beginning(effects: Path) -> None:
    assert busy_processes(effects) == set()
    effects.write_text("begins a 1 7\nbegins b 1 8\nends a 1 7\nbegins c 1 9\nends c 1 9\n")
    assert busy_processes(effects) == {8}


def test_only_the_end_of_a_long_file_is_read(effects: Path) -> None:
    effects.write_text("begins old 1 1\n" + "ends b 1 8\n" * TAIL + "begins a 1 7\n")
    assert busy_processes(effects) == {7}


def test_what_is_left_is_counted_as_it_is_written(load: Load, effects: Path) -> None:
    assert load.behind() == 3
    effects.write_text("begins a 1 7\nends a 1 7\nends b")
    assert load.behind() == 2
    with effects.open("a") as file:
        file.write(" 1 8\n")
    assert load.behind() == 1


def test_what_the_clients_were_told_is_counted_for_each(load: Load, tmp_path: Path) -> None:
    assert load.told() == {}
    (tmp_path / "told").mkdir()
    (tmp_path / "told/0").write_text("0-000000\n0-000001\n")
    (tmp_path / "told/1").write_text("1-000000\n")
    assert load.told() == {"0": 2, "1": 1}
