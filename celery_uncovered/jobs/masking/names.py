"""Which names say that their value is a secret: of keys, parameters, settings, headers, variables."""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

#: Longer ones are data that stands where a name might.
_LONGEST = 100
#: Where a word begins within ``apiKey`` and ``APIKey``.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_BETWEEN = re.compile(r"[^a-z0-9]+")

#: A name with one of these words in it, or one that ends so, is secret ...
_WORDS = frozenset(
    """
    apikey authorization cardnumber cookie cookies credential credentials creds csrf cvc cvv jwt
    otp passcode passphrase passwd password passwords privatekey pwd secret secretkey secrets
    sesame sessid sessionid sessionkey token totp xsrf
    """.split()  # noqa: SIM905  # many words
)
_ENDINGS = (
    "apikey",
    "credentials",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "sessid",
    "token",
)
#: ... or with two of these side by side ...
_KEYS = frozenset(
    """
    access account api auth consumer deploy encryption hmac license master private secret service
    session shared signing ssh storage webhook
    """.split()  # noqa: SIM905  # many words
)
_PAIRS = frozenset(
    {
        *((kind, "key") for kind in _KEYS),
        ("amz", "signature"),
        ("card", "number"),
        ("credit", "card"),
        ("session", "id"),
    }
)
#: ... or that is, or ends in, one of these.
_LAST = frozenset({"auth", "oauth", "pass"})
#: Many tokens are a number of them, but for these.
_TOKENS = frozenset({"", "access", "api", "auth", "bearer", "device", "refresh"})
#: A pass that is none for doors.
_OTHER_PASSES = frozenset({"by", "first", "last", "next", "second", "single"})
#: But for those whose last word says that they are about a secret, and do not hold it.
_ABOUT = frozenset(
    """
    age algorithm algorithms bucket budget changed class count created domain enabled endpoint
    error errors expiration expired expires expiry field fields file filename form format
    handler hasher hashers header help hint httponly index label length limit max min missing
    mode model name names needed path policy prefix required reset samesite seconds secure size
    status suffix timeout ttl type types updated uri url usage used validator validators version
    view
    """.split()  # noqa: SIM905  # many words
)


def is_secret_name(name: Any) -> bool:
    """Whether what stands under ``name`` is a secret: ``db_password``, ``apiKey``, ``X-Auth-Token``.

    Not for ``unique_key``, ``tokens_used``, ``author`` or ``password_changed_at``. The words of
    JOBS_SECRET_NAMES count in addition, alone and as parts of longer names.
    """
    if not isinstance(name, str) or len(name) > _LONGEST:
        return False
    return _is_secret(name) or (bool(added_words()) and _is_added(name))


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    words = _words(name)
    if not words:
        return False
    *_, before, last = ("", *words)
    if last in _ABOUT or (last == "at" and before):
        return False
    return (
        not _WORDS.isdisjoint(words)
        or any(word.endswith(_ENDINGS) for word in words)
        or not _PAIRS.isdisjoint(pairwise(words))
        or (last in _LAST and before not in _OTHER_PASSES)
        or (last == "tokens" and before in _TOKENS)
    )


def _words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case, without the numbers at their ends."""
    parts = _BETWEEN.split(_HUMP.sub("_", name).lower())
    return tuple(word for part in parts if (word := part.rstrip("0123456789")))


def added_words() -> tuple[tuple[str, ...], ...]:
    """The words of each name in JOBS_SECRET_NAMES; none before there are settings."""
    return _added if _added is not None else _read_added()


_added: tuple[tuple[str, ...], ...] | None = None


def _read_added() -> tuple[tuple[str, ...], ...]:
    global _added  # noqa: PLW0603  # read once: the question is asked for every text
    if not settings.configured:
        return ()
    _added = tuple(filter(None, map(_words, getattr(settings, "JOBS_SECRET_NAMES", ()))))
    return _added


@lru_cache(maxsize=4096)
def _is_added(name: str) -> bool:
    line = _line(_words(name))
    return any(_line(words) in line for words in added_words())


def _line(words: tuple[str, ...]) -> str:
    return f"_{'_'.join(words)}_"


def _forget(*, setting: str, **_: Any) -> None:
    global _added  # noqa: PLW0603
    if setting == "JOBS_SECRET_NAMES":
        _added = None
        _is_added.cache_clear()


setting_changed.connect(_forget, dispatch_uid="jobs-secret-names")
