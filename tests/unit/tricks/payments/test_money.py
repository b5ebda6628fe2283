import pytest
from hypothesis import given
from hypothesis import strategies as st

from celery_uncovered.tricks.payments.errors import BadPaymentError
from celery_uncovered.tricks.payments.money import DECIMALS, MOST, in_words, parse_amount


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "EUR", 1250),
        ("12.5", "EUR", 1250),
        ("12", "USD", 1200),
        ("0.01", "EUR", 1),
        (" 7.00 ", "EUR", 700),
        ("007", "EUR", 700),
        ("1250", "JPY", 1250),
        ("999999.99", "EUR", MOST),
    ],
)
def test_an_amount_is_counted_in_smallest_units(text: str, currency: str, amount: int) -> None:
    assert parse_amount(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "sentence"),
    [
        ("", "EUR", 'Amount "" is not a number like 12.50.'),
        (None, "EUR", 'Amount "None" is not a number like 12.50.'),
        (12.5, "EUR", 'Amount "12.5" is not a number like 12.50.'),
        ("12,50", "EUR", 'Amount "12,50" is not a number like 12.50.'),
        ("-1", "EUR", 'Amount "-1" is not a number like 12.50.'),
        ("1e3", "EUR", 'Amount "1e3" is not a number like 12.50.'),
        ("NaN", "EUR", 'Amount "NaN" is not a number like 12.50.'),
        ("١٢", "EUR", 'Amount "١٢" is not a number like 12.50.'),
        (".5", "EUR", 'Amount ".5" is not a number like 12.50.'),
        ("9" * 50, "EUR", f'Amount "{"9" * 40}" is not a number like 12.50.'),
        ("1.001", "EUR", "Amount 1.001 has more decimals than EUR has (2)."),
        ("1.5", "JPY", "Amount 1.5 has more decimals than JPY has (0)."),
        (
            "0.00",
            "EUR",
            "Amount 0.00 cannot be paid; it must be above 0 and at most 999,999.99 EUR.",
        ),
        (
            "1000000",
            "EUR",
            "Amount 1000000 cannot be paid; it must be above 0 and at most 999,999.99 EUR.",
        ),
    ],
)
def test_what_is_no_amount_is_refused_in_one_sentence(
    text: object, currency: str, sentence: str
) -> None:
    with pytest.raises(BadPaymentError) as refused:
        parse_amount(text, currency)
    assert str(refused.value) == sentence


@given(amount=st.integers(min_value=1, max_value=MOST), currency=st.sampled_from(list(DECIMALS)))
def test_an_amount_in_words_is_read_back_as_itself(amount: int, currency: str) -> None:
    number, _, name = in_words(amount, currency).partition(" ")
    assert (parse_amount(number.replace(",", ""), name), name) == (amount, currency)
