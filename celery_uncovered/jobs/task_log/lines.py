"""Texts as lines that are safe to store, and to show on a terminal or a page."""

import re

from celery.exceptions import SoftTimeLimitExceeded

from celery_uncovered.jobs.masking import mask_text

#: What is kept of one text, and of one line of it, in characters.
LONGEST_TEXT, LONGEST_LINE = 256 * 1024, 32 * 1024
NOT_MASKED = "[This text is left out: it could not be searched for secrets.]"

#: C0 but for tab and newline, DEL and C1; what turns or breaks lines unseen; what UTF-8 does not know.
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: ECMA-48: control sequences, then strings up to their terminator (titles, links), then other escapes.
#: A string ends at what could begin another one, so that hostile text is read once and not over and over.
CODES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\n\x07\x1b\x90\x98\x9c-\x9f]*+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*+[0-~]"
)
NEWLINES = re.compile(r"\r\n?")


def lines_of(text: str) -> list[str]:
    """The lines of ``text``: no terminal codes, no control characters but tabs, secrets masked.

    Codes go first: one within a secret would hide it from the masker.
    """
    beginning = _beginning(text)
    safe = _masked(plain(beginning))
    lines = [_shortened(line) for line in safe.removesuffix("\n").split("\n")]
    left_out = len(text) - len(beginning)
    return [*lines, f"[{left_out:,} more characters]"] if left_out else lines


def plain(text: str) -> str:
    """``text`` without terminal codes; what else is unsafe can be seen as U+FFFD or as its number."""
    if UNSAFE.search(text) is None:
        return text
    # What is left of a code that was cut in two, or hidden in another one, is unsafe and goes below.
    return UNSAFE.sub(_visible, NEWLINES.sub("\n", CODES.sub("", text)))


def _beginning(text: str) -> str:
    """As much of ``text`` as is kept, to the end of a line where there is one: half a secret is none."""
    if len(text) <= LONGEST_TEXT:
        return text
    return text[: text.rfind("\n", 0, LONGEST_TEXT) + 1 or LONGEST_TEXT]


def _visible(found: re.Match[str]) -> str:
    number = ord(found[0])
    return "\ufffd" if number <= 0x9F else f"\\u{number:04x}"  # noqa: PLR2004  # the end of C1


def _masked(text: str) -> str:
    try:
        return mask_text(text)
    except SoftTimeLimitExceeded:
        raise
    except Exception:  # noqa: BLE001  # whatever it is: never as it is, and never the task's fault
        return NOT_MASKED


def _shortened(line: str) -> str:
    left_out = len(line) - LONGEST_LINE
    return line if left_out <= 0 else f"{line[:LONGEST_LINE]} [{left_out:,} more characters]"
