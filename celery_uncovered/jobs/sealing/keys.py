"""The keys that secrets are sealed with: one from SECRET_KEY, others from SECRET_KEY_FALLBACKS."""

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

#: What tells these keys from others that are made from the same setting.
PURPOSE = b"celery_uncovered.jobs.sealing"


def cipher() -> MultiFernet:
    """Seals with the key of SECRET_KEY, and opens with that one or with a fallback's."""
    return _cipher((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _cipher(secrets: tuple[str | bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str | bytes) -> bytes:
    given = secret.encode() if isinstance(secret, str) else secret
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(given)
    return urlsafe_b64encode(key)
