"""``X-Hub-Signature-256``: who knows the secret signs the bytes of the body."""

import hashlib
import hmac
import re

_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}")


def sign(body: bytes, secret: str) -> str:
    """The header's value."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def is_signature(value: str) -> bool:
    """Whether ``value`` could be one, whatever it signs."""
    return _SIGNATURE.fullmatch(value) is not None


def is_signed(body: bytes, secret: str, signature: str) -> bool:
    """Compared in constant time, over the bytes as they came. Nothing is signed by an empty secret."""
    return bool(secret) and hmac.compare_digest(sign(body, secret).encode(), signature.encode())
