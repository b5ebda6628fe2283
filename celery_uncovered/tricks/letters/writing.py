"""The text of a letter: in the active language, from the house in whose scope it is written."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import get_language, get_language_bidi, gettext, ngettext

from celery_uncovered.tricks.letters.houses import own_house

BODY = """\
{greeting}

{thanks}
{events}

{regards}
{house}
"""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """``language`` is that of its texts, which run from right to left if ``is_rtl``."""

    to: str
    sender: str
    subject: str
    body: str
    language: str
    is_rtl: bool

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def write_letter(member: str, *, joined: date, events: int) -> Letter:
    """Raises UnknownHouseError where no house writes."""
    house = own_house()
    return Letter(
        to=f"{member.lower()}@members.example",
        sender=house.address,
        subject=gettext("Your membership: %(house)s") % {"house": house.name},
        body=BODY.format(
            greeting=gettext("Dear %(name)s,") % {"name": member},
            thanks=gettext("thank you for joining us on %(date)s.")
            % {"date": date_format(joined, "DATE_FORMAT")},
            events=ngettext(
                "%(count)d event is waiting for you.",
                "%(count)d events are waiting for you.",
                events,
            )
            % {"count": events},
            regards=gettext("Kind regards"),
            house=house.name,
        ),
        language=get_language() or "",
        is_rtl=get_language_bidi(),
    )
