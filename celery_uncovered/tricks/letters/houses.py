"""The houses whose members get letters: the tenants of the example."""

from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from celery_uncovered.jobs import api as jobs


class LetterError(Exception):
    """The root of all errors of the letters."""


class UnknownHouseError(LetterError, ValueError):
    def __init__(self, tenant: object) -> None:
        self.tenant = tenant
        known = ", ".join(sorted(HOUSES))
        super().__init__(f"Tenant {tenant!r:.80} is no house; choose one of: {known}.")


@dataclass(frozen=True, kw_only=True)
class House:
    """``title`` is in English, to be translated."""

    title: str
    address: str
    members: tuple[str, ...]

    @property
    def name(self) -> str:
        """In the active language."""
        return gettext(self.title)


HOUSES = {
    "library": House(
        title=gettext_noop("City Library"),
        address="library@letters.example",
        members=("Ada", "Noor", "Kenji"),
    ),
    "museum": House(
        title=gettext_noop("Harbour Museum"),
        address="museum@letters.example",
        members=("Grace", "Omar"),
    ),
}


def house_of(tenant: object) -> House:
    """Raises UnknownHouseError."""
    try:
        return HOUSES[str(tenant)]
    except KeyError:
        raise UnknownHouseError(tenant) from None


def own_house() -> House:
    """That of the tenant in whose scope this runs. Raises UnknownHouseError."""
    return house_of(jobs.scope.get("tenant"))
