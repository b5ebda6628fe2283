"""What a request's headers may tell: names and values, but for those that let somebody in."""

import re

MASK = "********"
_SECRET_NAME = re.compile(
    r"auth|cookie|token|secret|key|pass|session|csrf|xsrf|signature|credential", re.IGNORECASE
)
_QUERY = re.compile(r"\?\S*")


def is_secret_name(name: str) -> bool:
    return bool(_SECRET_NAME.search(name))


def shown_value(name: str, value: str) -> str:
    """A header's value, without the query of an address in it: sign-in links carry their token there."""
    return MASK if is_secret_name(name) else _QUERY.sub("?...", value)
