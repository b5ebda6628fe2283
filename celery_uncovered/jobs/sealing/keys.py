"""The keys that secrets are sealed with: one from SECRET_KEY, others from SECRET_KEY_FALLBACKS."""

from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any

from django.conf import settings

from celery_uncovered.jobs.errors import SealBrokenError

#: What tells these keys from others that are made from the same setting.
PURPOSE = b"celery_uncovered.jobs.sealing"


def encrypted(secret: bytes) -> str:
    """A token of ``secret``, by the key of SECRET_KEY."""
    token: bytes = _cipher(_secret_keys()).encrypt(secret)
    return token.decode()


def decrypted(token: Any) -> bytes:
    """What a token was made of, by the key of SECRET_KEY or a fallback's. Raises SealBrokenError."""
    try:
        secret: bytes = _cipher(_secret_keys()).decrypt(token)
    except Exception as error:  # of several classes, for a token of another key or none at all
        raise SealBrokenError from error
    return secret


def _secret_keys() -> tuple[str | bytes, ...]:
    return settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS


@lru_cache(maxsize=8)
def _cipher(secret_keys: tuple[str | bytes, ...]) -> Any:
    # Nine megabytes, which a process that meets no secret does without.
    from cryptography.fernet import Fernet, MultiFernet  # noqa: PLC0415

    return MultiFernet([Fernet(_derived(secret_key)) for secret_key in secret_keys])


def _derived(secret_key: str | bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

    given = secret_key.encode() if isinstance(secret_key, str) else secret_key
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(given)
    return urlsafe_b64encode(key)
