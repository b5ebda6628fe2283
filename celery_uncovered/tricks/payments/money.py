"""Amounts: whole numbers of a currency's smallest unit, and the way to and from people's texts."""

import re

from celery_uncovered.tricks.payments.errors import BadPaymentError

#: The currencies, and how many decimals each has.
DECIMALS = {"EUR": 2, "USD": 2, "JPY": 0}
#: The largest amount, in smallest units.
MOST = 99_999_999
_PLAIN = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,4}))?", re.ASCII)
_SHOWN = 40


def parse_currency(text: object) -> str:
    """Raises BadPaymentError."""
    if not isinstance(text, str) or text not in DECIMALS:
        message = (
            f'Currency "{str(text)[:_SHOWN]}" is not known; choose one of: {", ".join(DECIMALS)}.'
        )
        raise BadPaymentError(message)
    return text


def parse_amount(text: object, currency: str) -> int:
    """``12.50`` EUR as 1250. Raises BadPaymentError for anything but a plain, positive number."""
    whole = _PLAIN.fullmatch(text.strip()) if isinstance(text, str) else None
    if whole is None:
        message = f'Amount "{str(text)[:_SHOWN]}" is not a number like 12.50.'
        raise BadPaymentError(message)
    decimals = DECIMALS[currency]
    cents = whole[2] or ""
    if len(cents) > decimals:
        message = f"Amount {whole[0]} has more decimals than {currency} has ({decimals})."
        raise BadPaymentError(message)
    amount = int(f"{whole[1]}{cents.ljust(decimals, '0')}")
    if not 0 < amount <= MOST:
        most = in_words(MOST, currency)
        message = f"Amount {whole[0]} cannot be paid; it must be above 0 and at most {most}."
        raise BadPaymentError(message)
    return amount


def in_words(amount: int, currency: str) -> str:
    """1250 EUR as ``12.50 EUR``."""
    decimals = DECIMALS[currency]
    whole, rest = divmod(amount, 10**decimals)
    cents = f".{rest:0{decimals}}" if decimals else ""
    return f"{whole:,}{cents} {currency}"
