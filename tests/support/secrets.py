"""Made-up secrets of every kind that the masker knows, put together so that no scanner finds them here."""

from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from random import Random

from django.conf import settings

LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A secret: ``needle`` is what must be found nowhere, ``text`` a sentence that gives it away.

    ``whole`` is what a program would work with, like a header's value or an address.
    """

    kind: str
    needle: str
    whole: str
    text: str


def planted(seed: int = 1) -> list[Planted]:
    """One secret of each kind; another seed gives others."""
    random = Random(seed)  # noqa: S311  # to be found again, not to be safe

    def some(length: int, letters: str = LETTERS) -> str:
        return "".join(random.choices(letters, k=length))

    password, api_key, bearer, cookie = (some(length) for length in (14, 24, 30, 20))
    basic = b64encode(f"bob:{some(12)}".encode()).decode()
    parts = [f'{{"alg": "{some(5)}"}}', f'{{"sub": "{some(8)}"}}', some(20)]
    jwt = ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    key = some(64)
    pem = f"-----{'BEGIN'} RSA PRIVATE {'KEY'}-----\n{key}\n-----{'END'} RSA PRIVATE {'KEY'}-----"
    in_address = some(16)
    address = f"postgres://bob:{in_address}@db.example.org/shop"
    github, stripe = f"gh{'p'}_{some(36)}", f"sk_{'live'}_{some(24)}"
    slack, google = f"xox{'b'}-{some(11)}-{some(24)}", f"AI{'za'}{some(35)}"
    amazon = f"AK{'IA'}{some(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}"
    gitlab = f"gl{'pat'}-{some(20)}"
    card = with_check_digit(f"4{some(14, '0123456789')}")
    setting = settings.SECRET_KEY
    return [
        _one("password", password, f'login failed, password="{password}"'),
        _one("api key", api_key, f"POST /v1 {{'api_key': '{api_key}'}} gave 403"),
        _one("bearer", bearer, f"sent Authorization: Bearer {bearer}", f"Bearer {bearer}"),
        _one("basic", basic, f"sent Proxy-Authorization: Basic {basic}", f"Basic {basic}"),
        _one("jwt", jwt, f"claims of {jwt} are too old"),
        _one("private key", key, f"cannot load {pem}", pem),
        _one("address", in_address, f"cannot connect to {address} now", address),
        _one("github", github, f"{github} has expired"),
        _one("gitlab", gitlab, f"{gitlab} has expired"),
        _one("stripe", stripe, f"{stripe} is not for tests"),
        _one("slack", slack, f"{slack} was revoked"),
        _one("google", google, f"{google} has no quota"),
        _one("amazon", amazon, f"{amazon} is unknown"),
        _one("card", card, f"card {card} was declined"),
        _one("cookie", cookie, f"Cookie: theme=dark; sessionid={cookie}", f"sessionid={cookie}"),
        _one("setting", setting, f"signed with {setting} in vain"),
    ]


def with_check_digit(digits: str) -> str:
    """``digits`` with the one behind them that a card number has there."""
    total = sum(int(digit) for digit in digits[-2::-2])
    total += sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::-2])
    return f"{digits}{-total % 10}"


def _one(kind: str, needle: str, text: str, whole: str = "") -> Planted:
    return Planted(kind=kind, needle=needle, whole=whole or needle, text=text)
