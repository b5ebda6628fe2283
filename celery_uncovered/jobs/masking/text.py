"""Masking a text that people read: a sentence, a traceback, a line of a log, a note."""

from celery_uncovered.jobs.masking.hints import MASK, may_hold_secret
from celery_uncovered.jobs.masking.known import known_secrets
from celery_uncovered.jobs.masking.pairs import mask_pairs
from celery_uncovered.jobs.masking.shapes import mask_shapes


def mask_text(text: str) -> str:
    """``text`` with MASK in place of every secret in it; the same object where there is none."""
    for secret in known_secrets():
        if secret in text:
            text = text.replace(secret, MASK)
    if not may_hold_secret(text):
        return text
    masked = mask_pairs(mask_shapes(text))
    return text if masked == text else masked


def holds_secret(text: str) -> bool:
    """Whether ``mask_text`` changes ``text``."""
    return mask_text(text) is not text


def may_need_masking(text: str) -> bool:
    """False where there is no secret in ``text``, nor a name of one; nearly free."""
    return any(map(text.__contains__, known_secrets())) or may_hold_secret(text)
