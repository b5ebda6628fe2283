"""PostgreSQL's arrays as texts (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO).

psycopg writes arrays value by value in Python; for a hundred rows of twelve columns that would take as
long as all the rest of what a step costs.
"""

from collections.abc import Iterable
from typing import Any


def array_of(values: Iterable[Any]) -> str:
    """Texts, numbers, booleans, moments and None as one text."""
    texts = list(values)
    try:
        joined = '","'.join(texts)
    except TypeError:
        # Not texts alone.
        return "{" + ",".join(map(_element, texts)) + "}"
    if not texts or "\\" in joined or joined.count('"') != 2 * len(texts) - 2:
        return "{" + ",".join(map(_element, texts)) + "}"
    return f'{{"{joined}"}}'


def numbers(values: Iterable[float | bool]) -> str:
    """The same for a column that holds numbers, or booleans, alone."""
    return "{" + ",".join(map(str, values)) + "}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = value if type(value) is str else str(value)
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if '"' in text:
        text = text.replace('"', '\\"')
    return f'"{text}"'
