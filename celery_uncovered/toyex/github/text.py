"""Text as every later store can hold it."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """``text`` with NUL and lone surrogates as U+FFFD; everything else is unchanged.

    JSON can spell both as an escape, but UTF-8 cannot encode the surrogate, and neither PostgreSQL
    nor many readers of CSV accept the NUL.
    """
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
