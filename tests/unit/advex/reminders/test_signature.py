"""GitHub's signature, by the example of its documentation."""

import json

import pytest

from celery_uncovered.advex.reminders.github import is_signature, is_signed, sign
from celery_uncovered.advex.reminders.github.recorded import FOLDER

VECTOR = json.loads((FOLDER.parent / "signature_vector.json").read_text())
BODY, SECRET, HEADER = (
    VECTOR["payload"].encode(),
    VECTOR["secret"],
    VECTOR["X-Hub-Signature-256"],
)


def test_the_documented_example_is_signed_as_documented() -> None:
    assert sign(BODY, SECRET) == HEADER
    assert is_signature(HEADER)
    assert is_signed(BODY, SECRET, HEADER)


@pytest.mark.parametrize(
    ("body", "secret", "signature"),
    [
        (BODY + b" ", SECRET, HEADER),
        (BODY, SECRET + "!", HEADER),
        (BODY, SECRET, HEADER[:-1] + "0"),
        (BODY, SECRET, HEADER.removeprefix("sha256=")),
        (BODY, SECRET, ""),
        (BODY, SECRET, "sha256=\u00e9"),
        (BODY, "", sign(BODY, "")),
    ],
)
def test_anything_else_is_not(body: bytes, secret: str, signature: str) -> None:
    assert not is_signed(body, secret, signature)


@pytest.mark.parametrize(
    "value", ["", "sha256=", "sha1=" + "0" * 40, HEADER.upper(), HEADER + "\n"]
)
def test_what_cannot_be_a_signature_is_known_before_the_body_is_read(value: str) -> None:
    assert not is_signature(value)
