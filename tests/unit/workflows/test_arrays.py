"""PostgreSQL's arrays as texts."""

from datetime import UTC, datetime
from typing import Any

import pytest

from celery_uncovered.workflows.engine.arrays import array_of, numbers


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "{}"),
        ([""], '{""}'),
        (["", ""], '{"",""}'),
        (["one", "two"], '{"one","two"}'),
        (["NULL", None], '{"NULL",NULL}'),
        (['"quoted"', "two"], '{"\\"quoted\\"","two"}'),
        # As many quotation marks as two plain texts would have between them.
        (['a"', '"b'], '{"a\\"","\\"b"}'),
        (['x","y'], '{"x\\",\\"y"}'),
        (["C:\\one", "{two}"], '{"C:\\\\one","{two}"}'),
        ([1, True], '{"1","True"}'),
        ([datetime(2026, 5, 1, tzinfo=UTC)], '{"2026-05-01 00:00:00+00:00"}'),
    ],
)
def test_texts_are_quoted_whatever_they_hold(values: list[Any], text: str) -> None:
    assert array_of(values) == text


def test_numbers_and_booleans_stand_as_they_are() -> None:
    assert numbers([1, 2.5, True]) == "{1,2.5,True}"
