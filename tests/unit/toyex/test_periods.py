from datetime import date

import pytest

from celery_uncovered.toyex.report import (
    GROUPINGS,
    PERIODS,
    BadInput,
    parse_grouping,
    parse_period,
    parse_ref_date,
    since,
)

TODAY = date(2026, 5, 4)


@pytest.mark.parametrize(
    ("period", "first"),
    [("day", date(2026, 5, 3)), ("week", date(2026, 4, 27)), ("month", date(2026, 4, 4))],
)
def test_a_period_ends_at_the_reference_date(period: str, first: date) -> None:
    assert since(period, TODAY) == first


def test_a_month_is_thirty_days_also_in_march() -> None:
    assert since("month", date(2026, 3, 1)) == date(2026, 1, 30)


def test_the_choices_are_read_as_they_are_written() -> None:
    assert [parse_period(value) for value in PERIODS] == ["day", "week", "month"]
    assert [parse_grouping(value) for value in GROUPINGS] == ["topic", "language"]


@pytest.mark.parametrize("value", ["year", "", "Day", None, 7, ["day"]])
def test_another_choice_is_refused_with_the_value_and_the_choices(value: object) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_period(value)
    assert str(refusal.value) == (
        f'Period "{value}" is not known; choose one of: day, week, month.'
    )
    with pytest.raises(BadInput, match=r"Grouping .* choose one of: topic, language"):
        parse_grouping(value)


def test_a_long_value_is_cut_in_the_sentence() -> None:
    with pytest.raises(BadInput) as refusal:
        parse_period("x" * 10_000)
    assert len(str(refusal.value)) < 120


def test_a_period_that_is_not_known_has_no_beginning() -> None:
    with pytest.raises(BadInput, match='Period "year"'):
        since("year", TODAY)


def test_a_reference_date_may_be_today() -> None:
    assert parse_ref_date("2026-05-04", today=TODAY) == TODAY


@pytest.mark.parametrize(
    "value",
    ["", "today", "2026-5-4", "20260504", "2026-W19-1", "2026-02-30", "２０２６-05-04", None, 7],  # noqa: RUF001
)
def test_what_is_not_a_date_is_refused_with_the_value(value: object) -> None:
    with pytest.raises(BadInput) as refusal:
        parse_ref_date(value, today=TODAY)
    assert str(refusal.value) == (
        f'Reference date "{value}" is not a date; write it as YYYY-MM-DD.'
    )


def test_tomorrow_is_refused() -> None:
    with pytest.raises(BadInput, match=r"2026-05-05 is in the future; choose 2026-05-04"):
        parse_ref_date("2026-05-05", today=TODAY)


def test_a_date_before_which_no_month_fits_is_refused() -> None:
    with pytest.raises(BadInput, match="too early"):
        parse_ref_date("0001-01-15", today=TODAY)
    with pytest.raises(BadInput, match="too early"):
        since("day", date.min)
