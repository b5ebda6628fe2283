"""What secrets look like by themselves: each shape is a pattern, and what is left of a match.

Every pattern takes time in proportion to the text. It starts at a fixed word or at the border of a
run of characters, and takes the run whole (``++``) or at most so much of it; so no part of a text is
read again and again.
"""

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Callable

from celery_uncovered.jobs.masking.hints import MASK

Left = str | Callable[[re.Match[str]], str]

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|\Z)",
    re.DOTALL,
)
_ADDRESS = re.compile(r"(?<=://)([^\s/:@\"'<>]*+):([^\s/\"'<>]+)@")
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{5,}+(?:\.[\w-]*+)*+", re.ASCII)
_AUTHORIZATION = re.compile(r"\b(bearer|basic)(\s{1,8})([\w.~+/=-]++)", re.ASCII | re.IGNORECASE)
_KEYS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
    gh[oprsu]_[A-Za-z0-9]{20,}+ | github_pat_\w{20,}+      # GitHub
    | glpat-[\w-]{16,}+                                    # GitLab
    | xox[abeoprs]-[A-Za-z0-9-]{10,}+                      # Slack
    | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}+         # Stripe
    | whsec_[A-Za-z0-9+/=]{16,}+
    | (?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])             # Amazon
    | AIza[\w-]{30,}+ | ya29\.[\w-]{16,}+ | GOCSPX-[\w-]{16,}+  # Google
    | sk-[\w-]{20,}+                                       # OpenAI and others
    )""",
    re.ASCII | re.VERBOSE,
)
#: A token of fewer characters, or a word of no more than that, is none.
_SHORT, _LONG = 8, 20
_SLACK_HOOK = re.compile(
    r"(?<=hooks\.slack\.com/)(?:services|workflows|triggers)/[\w/]++", re.ASCII
)
_CARD = re.compile(
    r"""(?<![\w.])(?:
    [456]\d{3}([ -]?)\d{4}\1\d{4}\1\d{4}
    | [23]\d{3}([ -]?)\d{4}\2\d{4}\2\d{4}
    | 3[47]\d{2}([ -]?)\d{6}\3\d{5}
    | 3[068]\d{2}([ -]?)\d{6}\4\d{4}
    )(?![\w]|[.,]\d)""",
    re.ASCII | re.VERBOSE,
)
#: What the first digits of a number of that length are, if it is a card's.
_ISSUERS = {
    14: re.compile(r"30[0-5]|3[68]"),
    15: re.compile(r"3[47]"),
    16: re.compile(r"4|5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720|6011|64[4-9]|65|62|35"),
}


def mask_shapes(text: str) -> str:
    """``text`` with MASK for everything in it that looks like a secret by itself."""
    text = _PRIVATE_KEY.sub(MASK, text)
    text = _ADDRESS.sub(rf"\1:{MASK}@", text)
    text = _JWT.sub(MASK, text)
    text = _KEYS.sub(MASK, text)
    text = _SLACK_HOOK.sub(MASK, text)
    text = _AUTHORIZATION.sub(_authorization, text)
    return _CARD.sub(_card, text)


def _authorization(match: re.Match[str]) -> str:
    scheme, space, value = match.groups()
    is_secret = _is_basic(value) if scheme.lower() == "basic" else _is_bearer(value)
    return f"{scheme}{space}{MASK}" if is_secret else match[0]


def _is_bearer(value: str) -> bool:
    """Not "Bearer authentication"."""
    return len(value) >= _LONG or (len(value) >= _SHORT and not value.isalpha())


def _is_basic(value: str) -> bool:
    """Not "Basic understanding": it is user and password in base64."""
    try:
        return b":" in b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (Error, ValueError):
        return False


def _card(match: re.Match[str]) -> str:
    digits = "".join(filter(str.isdigit, match[0]))
    issuer = _ISSUERS.get(len(digits))
    is_card = issuer is not None and issuer.match(digits) is not None and _passes_luhn(digits)
    return MASK if is_card else match[0]


def _passes_luhn(digits: str) -> bool:
    """ISO/IEC 7812-1: every second digit from the right counts double, digit by digit."""
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0
