"""Secrets that a text names: ``password=...``, ``"token": "..."``, ``Cookie: ...``, ``--api-key ...``.

A pair is found by its name and its separator; where the name is a secret one, the value is masked as
far as it reaches, and the search goes on behind it. A value that is never closed reaches to the end
of its line. So each character is read a fixed number of times.
"""

import re

from celery_uncovered.jobs.masking.hints import MASK
from celery_uncovered.jobs.masking.names import is_secret_name

#: A name and what separates it from its value; a quote may close the name, escaped where it is quoted.
_PAIR = re.compile(
    r"(?<![\w.-])([\w.-]{1,100}+)(\\{0,8}[\"']?\]?[ \t]{0,8}(?:=>|:=|==?|:)[ \t]{0,8})"
)
#: Headers whose value is the rest of the line.
_WHOLE_LINE = re.compile(r"(?:^|[^a-z])(?:authorization|cookie)$", re.IGNORECASE)
_LINE = re.compile(r"[^\n\"']++")
_QUOTED = re.compile(
    r"""([bru]{0,2}")((?:[^"\\\n]|\\.)*+)("?)
    | ([bru]{0,2}')((?:[^'\\\n]|\\.)*+)('?)
    | (\\+["'])((?:[^"'\\\n]|\\+[^"'\\\n])*+)((?:\\+["'])?)""",
    re.IGNORECASE | re.VERBOSE,
)
_BARE = re.compile(r"(?:[^\s,;&\"'<>\\]|[,;](?!\s|$)|\\(?![\"']))++")
_BRACKET = re.compile(r"[\[\](){}\n]")
_OPENING, _CLOSING = "[({", "])}"
#: What stands where a secret might, and is none.
_NO_SECRET = frozenset({"", MASK, "None", "True", "False", "null", "true", "false", "str", "..."})

#: ``--password hunter2``, also as the two items of a list.
_OPTION = re.compile(
    r"(?<![\w-])--?([A-Za-z][\w-]{1,60}+)([ ]{1,4}|[\"'],[ ]{0,2}[\"'])(?![-\s])([^\s\"']++)"
)
#: ``("Authorization", "...")``: a pair of two texts.
_ITEM = re.compile(
    r"(?<=[(\[])(b?[\"'])([\w.-]{1,100}+)([\"'],[ ]{0,2}b?([\"']))((?:(?!\4)[^\\\n]|\\.){1,4096}+)(?=\4[)\]])"
)
_ELEMENT = re.compile(r"<(?:\w{1,40}:)?([\w.-]{1,100}+)(?:[ ][^<>\n]{0,400}+)?>([^<\n]++)(?=</)")


def mask_pairs(text: str) -> str:
    """``text`` with MASK for the values that stand beside secret names."""
    if "<" in text:
        text = _ELEMENT.sub(_element, text)
    if "-" in text:
        text = _OPTION.sub(_option, text)
    if "," in text:
        text = _ITEM.sub(_item, text)
    return _mask_values(text)


def _mask_values(text: str) -> str:
    parts: list[str] = []
    done = position = 0
    while pair := _PAIR.search(text, position):
        position = pair.end()
        if is_secret_name(pair[1]):
            start, position = _value_of(text, position, pair[1])
            if text[start:position] not in _NO_SECRET:
                parts += text[done:start], MASK
                done = position
    return "".join(parts) + text[done:] if parts else text


def _value_of(text: str, start: int, name: str) -> tuple[int, int]:
    """Where the secret of a pair begins and ends, without its quotes."""
    quoted = _QUOTED.match(text, start)
    if quoted is not None:
        number = next(number for number in (2, 5, 8) if quoted[number] is not None)
        return quoted.span(number)
    is_bracket = start < len(text) and text[start] in _OPENING
    rest = _end_of_brackets(text, start) if is_bracket else start
    return start, _end_of(_LINE if _WHOLE_LINE.search(name) else _BARE, text, rest)


def _end_of(shape: re.Pattern[str], text: str, start: int) -> int:
    """Where the value of this shape ends; what closes brackets around the pair is none of it."""
    value = shape.match(text, start)
    return start if value is None else start + len(value[0].rstrip(",;)]}.\r\t "))


def _end_of_brackets(text: str, start: int) -> int:
    """Behind the bracket that closes the one at ``start``; at most the end of the line."""
    depth = 0
    for bracket in _BRACKET.finditer(text, start):
        if bracket[0] == "\n":
            return bracket.start()
        depth += 1 if bracket[0] in _OPENING else -1
        if depth == 0:
            return bracket.end()
    return len(text)


def _option(match: re.Match[str]) -> str:
    name, between, _ = match.groups()
    if not is_secret_name(name):
        return match[0]
    return f"{match[0][: match.start(2) - match.start()]}{between}{MASK}"


def _item(match: re.Match[str]) -> str:
    before, name, between, _, _ = match.groups()
    return f"{before}{name}{between}{MASK}" if is_secret_name(name) else match[0]


def _element(match: re.Match[str]) -> str:
    kept = match[0][: match.start(2) - match.start()]
    return f"{kept}{MASK}" if is_secret_name(match[1]) else match[0]
