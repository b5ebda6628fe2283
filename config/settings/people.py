"""Names and addresses of people, as the environment gives them."""

from email.utils import getaddresses

from django.core.exceptions import ImproperlyConfigured


def people_in(text: str) -> list[tuple[str, str]]:
    """Pairs of name and address: ``ann@example.org, Bob <bob@example.org>``; none for an empty text.

    Raises ImproperlyConfigured for what is no address.
    """
    pairs = getaddresses([text]) if text.strip() else []
    if (text.strip() and not pairs) or not all("@" in address for _, address in pairs):
        message = f'"{text}" is no list of mail addresses, such as "ann@example.org, Bob <bob@example.org>".'
        raise ImproperlyConfigured(message)
    return pairs
