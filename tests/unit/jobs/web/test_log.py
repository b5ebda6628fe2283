"""The log of a job on the web: for its readers, as it grows, and as a file."""

import re
from typing import Any

import pytest
from django.test import Client

from celery_uncovered.jobs.models import Job, LogPart
from celery_uncovered.jobs.web import log_view
from tests.unit.jobs.web.help import (
    client_of,
    make_job,
    make_onlooker,
    make_operator,
    make_user,
    session_reader,
    user_reader,
)

pytestmark = pytest.mark.django_db

HEAD = "2026-05-04T12:00:00.123Z INFO "
ADDRESSES = ["log/", "log/lines/", "log.txt"]


@pytest.fixture
def client() -> Client:
    return client_of(make_operator())


def add(text: str, *, attempt: int = 1, gap: int = 0, lines_gap: int = 0) -> None:
    """Lines at the end of the log of job-1, after as much that is not kept."""
    last = LogPart.objects.filter(job_id="job-1").order_by("end").last()
    start = (last.end if last else 0) + gap
    first_line = (last.first_line + last.lines if last else 0) + lines_gap
    LogPart.objects.create(
        job_id="job-1",
        attempt=attempt,
        start=start,
        end=start + len(text.encode()),
        first_line=first_line,
        lines=text.count("\n"),
        text=text,
    )


def read(client: Client, offset: int | str = 0, status: int = 200) -> dict[str, Any]:
    answer = client.get(f"/jobs/job-1/log/?offset={offset}")
    assert answer.status_code == status
    document: dict[str, Any] = answer.json()
    return document


def test_a_log_is_read_from_an_offset_on(client: Client) -> None:
    make_job(state="STARTED")
    add("one\ntwo\n")
    first = read(client)
    assert first == {
        "offset": 0,
        "next_offset": 8,
        "pieces": [{"attempt": 1, "text": "one\ntwo\n", "left_out": 0, "lines_left_out": 0}],
        "is_final": False,
    }
    assert read(client, first["next_offset"])["pieces"] == []
    add("three\n")
    second = read(client, first["next_offset"])
    assert [one["text"] for one in second["pieces"]] == ["three\n"]
    assert read(client, second["next_offset"])["next_offset"] == 14


def test_an_offset_within_a_line_is_counted_in_bytes(client: Client) -> None:
    make_job()
    add("grün\n")
    assert read(client, 2)["pieces"][0]["text"] == "ün\n"
    assert read(client, 3)["pieces"][0]["text"] == "n\n", "half a letter is none"


def test_attempts_are_told_apart(client: Client) -> None:
    make_job()
    add("one\n")
    add("two\n")
    add("three\n", attempt=2)
    texts = [(one["attempt"], one["text"]) for one in read(client)["pieces"]]
    assert texts == [(1, "one\ntwo\n"), (2, "three\n")]


def test_what_is_left_out_is_counted(client: Client) -> None:
    make_job()
    add("first\n")
    add("last\n", gap=500, lines_gap=20)
    _, after = read(client)["pieces"]
    assert (after["left_out"], after["lines_left_out"]) == (500, 20)
    (after,) = read(client, 6)["pieces"]
    assert (after["left_out"], after["lines_left_out"]) == (500, 20)
    (after,) = read(client, 106)["pieces"]
    assert (after["left_out"], after["lines_left_out"]) == (400, None)


@pytest.mark.parametrize("offset", ["-1", "x", "1e3", "", "٣"])
def test_an_offset_that_is_none_is_refused_in_one_sentence(client: Client, offset: str) -> None:
    make_job()
    sentence = "The offset is no number; send the next_offset of the last answer, or none."
    assert read(client, offset, status=400) == {"error": sentence}


@pytest.mark.parametrize("offset", [2**63, 10**40])
def test_an_offset_beyond_all_logs_finds_nothing(client: Client, offset: int) -> None:
    make_job()
    add("one\n")
    assert read(client, offset)["pieces"] == []


@pytest.mark.parametrize("part", ["log/", "log/lines/"])
def test_a_log_that_did_not_grow_is_answered_with_304(client: Client, part: str) -> None:
    make_job(state="STARTED")
    add("one\n")
    address = f"/jobs/job-1/{part}?offset=0"
    etag = client.get(address)["ETag"]
    again = client.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    add("two\n")
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 200


def test_scripts_are_told_when_to_ask_again_until_the_job_is_final(client: Client) -> None:
    make_job(age=1, state="STARTED")
    assert client.get("/jobs/job-1/log/")["Retry-After"] == "1"
    Job.objects.update(state="SUCCESS")
    answer = client.get("/jobs/job-1/log/")
    assert "Retry-After" not in answer
    assert answer.json()["is_final"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_whoever_reads_the_job_reads_its_log_and_nobody_else(address: str) -> None:
    make_job()
    add("secret words\n")
    for reader in (session_reader("job-1"), user_reader("job-1"), client_of(make_onlooker())):
        answer = reader.get(f"/jobs/job-1/{address}")
        assert answer.status_code == 200
        assert b"secret words" in answer.content
    for stranger in (client_of(), client_of(make_user())):
        assert stranger.get(f"/jobs/job-1/{address}").status_code == 404
        assert stranger.get(f"/jobs/nothing/{address}").status_code == 404


def test_the_file_has_all_that_is_kept_and_says_what_is_not(client: Client) -> None:
    make_job()
    add("one\n")
    add("two\n", gap=5_000, lines_gap=1_234)
    add("three\n", attempt=2)
    answer = client.get("/jobs/job-1/log.txt")
    assert answer.content.decode() == (
        "--- attempt 1 ---\none\n... 1,234 lines (5,000 bytes) left out ...\ntwo\n"
        "--- attempt 2 ---\nthree\n"
    )
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="log.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private, no-store"


# --- the page --------------------------------------------------------------------------------------
def page_of(client: Client, path: str = "/jobs/job-1/") -> str:
    return client.get(path).content.decode()


def test_the_page_shows_the_log_without_javascript(client: Client) -> None:
    make_job(state="STARTED")
    add(f"{HEAD}hello\n    and more\n")
    add(f"{HEAD}again\n", attempt=2)
    page = page_of(client)
    assert (
        '<span class="log-line log-info"><time datetime="2026-05-04T12:00:00.123Z">12:00:00.123</time>'
        " <b>INFO</b> hello</span>" in page
    )
    assert '<span class="log-line">    and more</span>' in page
    assert re.findall(r"<h3>(Attempt \d)</h3>", page) == ["Attempt 1", "Attempt 2"]
    assert "log.js" in page


def test_what_a_task_says_is_text_on_the_page(client: Client) -> None:
    make_job()
    add(f"{HEAD}<script>alert(1)</script>\n")
    for path in ("/jobs/job-1/", "/jobs/job-1/log/lines/"):
        assert "<script>alert" not in page_of(client, path)
        assert "&lt;script&gt;alert(1)" in page_of(client, path)


def test_the_page_goes_on_where_it_ends(client: Client) -> None:
    make_job(state="STARTED")
    add("one\n")
    (offset,) = re.findall(r'data-offset="(\d+)"', page_of(client))
    add("two\n")
    part = page_of(client, f"/jobs/job-1/log/lines/?offset={offset}")
    assert "two" in part
    assert "one" not in part
    assert 'data-next="8"' in part


def test_a_long_log_is_shown_from_its_end(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_view, "SHOWN", 10)
    make_job()
    for number in range(10):
        add(f"line {number}\n")
    page = page_of(client)
    assert "line 9" in page
    assert "line 7" not in page
    assert "These are the last lines" in page
    assert "left out" not in page


def test_the_page_counts_what_is_left_out(client: Client) -> None:
    make_job()
    add("one\n")
    add("two\n", gap=5_000, lines_gap=20)
    assert "20 lines, 4.9\xa0KB left out" in page_of(client)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("QUEUED", "What it logs and prints appears here."),
        ("SUCCESS", "It logged and printed nothing."),
    ],
)
def test_an_empty_log_says_why(client: Client, state: str, words: str) -> None:
    make_job(state=state)
    assert words in page_of(client)
