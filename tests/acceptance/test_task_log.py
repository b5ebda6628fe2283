"""A log for each task: from the button on the start page to every word that the task said."""

import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.browser import JSON, Person
from tests.acceptance.installation import Installation, Options, on
from tests.stacks import EMBEDDED, SERVERS

RUN = "/tricks/task-log/"
FILE = "log/tasks/celery_uncovered.tricks.task_log.tasks.bake_bread.log"
SECONDS = 60


@pytest.fixture(scope="module")
def options() -> Options:
    return Options(has_web=True)


def run(person: Person) -> str:
    """Press the button of the start page; the path of the job's page."""
    assert f'action="{RUN}"' in person.get("/").text
    answer = person.post(RUN, {})
    assert answer.status_code == 303
    return answer.headers["Location"]


def read_along(person: Person, path: str) -> list[dict[str, Any]]:
    """What each look at the log brought, to its end, asking only for what is new."""
    answers: list[dict[str, Any]] = []
    offset, deadline = 0, time.monotonic() + SECONDS
    while not (answers and answers[-1]["is_final"]):
        assert time.monotonic() < deadline, answers
        answer = person.get(f"{path}log/?offset={offset}", **JSON)
        assert answer.status_code == 200
        answers.append(answer.json())
        assert answers[-1]["offset"] == offset
        offset = answers[-1]["next_offset"]
        time.sleep(float(answer.headers.get("Retry-After", 0)) / 4)
    return answers


@on(EMBEDDED, SERVERS)
def test_the_log_of_a_task_can_be_read_while_it_works_and_afterwards(
    installation: Installation,
) -> None:
    person = Person(installation.web)
    path = run(person)
    answers = read_along(person, path)
    looks = [answer for answer in answers if answer["pieces"]]
    assert len(looks) >= 4, "it grew"

    texts = {1: "", 2: ""}
    for answer in looks:
        for piece in answer["pieces"]:
            assert piece["left_out"] == 0
            texts[piece["attempt"]] += piece["text"]
    said = {number: [line[25:] for line in text.splitlines()] for number, text in texts.items()}
    assert said[1][:2] == [
        "INFO Attempt 1: the dough is ready, 6 loaves of it",
        "STDOUT oven: 20 °C ...",
    ]
    assert texts[1].count("Traceback (most recent call last)") == 2, (
        "the error, and what follows it"
    )
    assert sum(line.startswith("ERROR ") for line in said[1]) == 1
    assert "ColdOvenError: The oven has 120 °C" in texts[1]
    assert said[2][0] == "INFO Attempt 2: the dough is ready, 6 loaves of it"
    assert said[2][-2:] == ["STDOUT loaf 6 of 6 is done", "INFO Done: 6 loaves"]

    page = person.get(path).text
    assert page.index("<h3>Attempt 1</h3>") < page.index("<h3>Attempt 2</h3>")
    assert "loaf 6 of 6 is done" in page
    whole = person.get(f"{path}log.txt").text
    assert whole == f"--- attempt 1 ---\n{texts[1]}--- attempt 2 ---\n{texts[2]}"

    task_id = path.strip("/").rpartition("/")[2]
    file = Path(installation.stack.env["DATA_DIR"], FILE)
    mine = [line.split(" ", 4) for line in file.read_text().splitlines() if task_id in line]
    assert {words[3] for words in mine} == {"1", "2"}
    assert len(mine) == len(whole.splitlines()) - 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(person.get(f"{path}status/", **JSON).text)["result"] == 6
