"""Which errors are one, and which are told apart."""

import json
import logging
import traceback

import pytest

from celery_uncovered.error_mails.kinds import place_in, place_of
from celery_uncovered.error_mails.reduce import kind_of_record
from tests.unit.error_mails.help import fail_here, fail_there, raised, record_of


def kind_of(error: BaseException | None = None, **fields: object) -> str:
    return kind_of_record(record_of(error, **fields))


def test_the_same_class_from_the_same_line_is_one_kind_whatever_it_says() -> None:
    one = raised(lambda: fail_here(ValueError("order 1")))
    other = raised(lambda: fail_here(ValueError("order 2")))
    assert kind_of(one) == kind_of(other)


def test_another_class_another_line_another_logger_or_level_is_another_kind() -> None:
    error = raised(lambda: fail_here(ValueError()))
    kinds = {
        kind_of(error),
        kind_of(raised(lambda: fail_here(KeyError()))),
        kind_of(raised(lambda: fail_there(ValueError()))),
        kind_of(error, name="shop"),
        kind_of(error, levelname="CRITICAL"),
        kind_of(),
    }
    assert len(kinds) == 6


def test_without_an_exception_the_line_that_logged_counts_and_not_the_words() -> None:
    assert kind_of(args=("/x/",)) == kind_of(args=("/y/",)) == kind_of(msg="Other: %s")
    assert kind_of() != kind_of(lineno=249)
    assert kind_of() != kind_of(status_code=503)


def test_a_place_is_the_innermost_line_of_the_projects_own_code() -> None:
    error = raised(lambda: json.loads("{"))
    place = place_of(error.__traceback__)
    assert place
    assert place.file == __file__
    assert str(place).startswith("unit/error_mails/test_kinds.py:")
    text = "".join(traceback.format_exception(error))
    assert "json/decoder.py" in text
    assert place_in(text) == place


def test_of_a_chain_of_errors_the_last_one_counts() -> None:
    def fail_twice() -> None:
        try:
            fail_there(KeyError())
        except KeyError as error:
            fail_here(ValueError(str(error)))

    error = raised(fail_twice)
    place = place_of(error.__traceback__)
    assert place
    assert place.function == "fail_here"
    assert place_in("".join(traceback.format_exception(error))) == place


@pytest.mark.parametrize("text", ["", "Traceback (most recent call last)", "no traceback at all"])
def test_a_text_without_lines_has_no_place(text: str) -> None:
    assert place_in(text) is None
    assert place_of(None) is None


def test_a_record_whose_exception_was_never_raised_has_a_kind() -> None:
    assert kind_of(ValueError()) != kind_of(KeyError())
    logging.getLogger("tests.kinds").handle(record_of(ValueError()))
