"""Whatever a task says, its lines do nothing to the terminal or the page that shows them."""

import time
from typing import NoReturn

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from hypothesis import given
from hypothesis import strategies as st

from celery_uncovered.jobs.task_log import lines
from celery_uncovered.jobs.task_log.lines import UNSAFE, lines_of

#: What terminal codes are made of, and plain text.
PIECES = st.sampled_from(
    [*"\x1b\x9b\x9d\x90\x9c\x07\x00\x08\x7f[]P^_\\;?0123mKhl \n\r\t", "a", "é", "\u202e", "\udc80"]
)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b[2J\x1b[Hcleared", "cleared"),
        ("\x1b]0;new title\x07text", "text"),
        ("\x1b]8;;http://evil.example/\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bP+q544e\x1b\\text", "text"),
        ("\x9b31mred in C1", "red in C1"),
        ("\x9d0;title in C1\x9ctext", "text"),
        ("\x1b(0line drawing\x1b(B", "line drawing"),
        ("\x1bcreset", "reset"),
        ("a\ttab", "a\ttab"),
    ],
)
def test_terminal_codes_are_taken_out(said: str, kept: str) -> None:
    assert lines_of(said) == [kept]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("\x1b[\x1b[31m31mhidden code", "31mhidden code"),
        ("\x1b]0;title without an end", "0;title without an end"),
        ("cut \x1b", "cut \ufffd"),
        ("bell\x07 and NUL\0", "bell\ufffd and NUL\ufffd"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("caf\udce9", "caf\\udce9"),
        ("one\u2028two", "one\\u2028two"),
    ],
)
def test_what_is_left_of_them_can_be_seen_and_does_nothing(said: str, kept: str) -> None:
    assert lines_of(said) == [kept]


@given(st.lists(PIECES).map("".join))
def test_nothing_unsafe_is_left_of_any_text(said: str) -> None:
    for line in lines_of(said):
        assert not UNSAFE.search(line)
        assert "\n" not in line
        line.encode()


@pytest.mark.parametrize(
    "piece", ["\x1b]", "\x90", "\x1b[0", "\x1b[ ", "\x9b", "\x1b]0;", "\x9d\x1b["]
)
def test_hostile_text_takes_no_longer_than_other_text(piece: str) -> None:
    said = piece * (lines.LONGEST_TEXT // len(piece))
    began = time.process_time()
    lines_of(said)
    assert time.process_time() - began < 2


def test_carriage_returns_end_lines_so_that_nothing_is_written_over() -> None:
    assert lines_of("10%\r20%\r\n30%\n") == ["10%", "20%", "30%"]


def test_long_lines_and_texts_are_cut_and_say_so() -> None:
    (line,) = lines_of("x" * (lines.LONGEST_LINE + 1234))
    assert line == "x" * lines.LONGEST_LINE + " [1,234 more characters]"
    many = lines_of("word\n" * lines.LONGEST_TEXT)
    assert many[-1].endswith("more characters]")
    assert set(many[:-1]) == {"word"}
    assert sum(map(len, many)) < lines.LONGEST_TEXT


def test_secrets_are_masked_after_the_codes_within_them_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "mask_text", lambda text: text.replace("hunter2", "***"))
    assert lines_of("pass: hunt\x1b[0mer2\nhunter2") == ["pass: ***", "***"]


def test_a_text_that_cannot_be_masked_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> NoReturn:
        raise RecursionError

    monkeypatch.setattr(lines, "mask_text", fail)
    assert lines_of("hunter2") == [lines.NOT_MASKED]


def test_a_soft_time_limit_passes_through_the_masker(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: str) -> NoReturn:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(lines, "mask_text", fail)
    with pytest.raises(SoftTimeLimitExceeded):
        lines_of("hunter2")
