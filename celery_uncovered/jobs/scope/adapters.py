"""What Django knows of its caller, as names of the scope: the active language, the active time zone."""

import zoneinfo
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import Context
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.utils import timezone, translation


class Adapter(ABC):
    """Stands between a name of the scope and what it means to a process. One serves all threads."""

    @abstractmethod
    def capture(self) -> Any:
        """What holds here and now, as JSON; None where that is what the settings say."""

    @abstractmethod
    def apply(self, value: Any) -> None:
        """Have ``value`` hold here, until the next call; None: what the settings say.

        Raises any Exception for a value that cannot hold.
        """

    def mark(self) -> Any:
        """What tells quickly whether anything may have been said since: then it differs.

        None only where ``capture`` would give None.
        """
        return self.capture()

    def seen(self) -> Any:
        """What ``capture`` gives, asked for as rarely as possible."""
        return self.capture()


class _OfDjango(Adapter):
    """What Django keeps in a context variable, where a look costs far less than to ask Django."""

    def __init__(self, activate: Callable[[], Any]) -> None:
        # Which variable it is shows where something is activated aside.
        aside = Context()
        aside.run(activate)
        variables = tuple(aside)
        self._last: tuple[Any, Any] = (None, None)
        if len(variables) == 1:
            self.mark = partial(variables[0].get, None)  # type: ignore[method-assign]  # a call less

    def seen(self) -> Any:
        mark = self.mark()
        # What a context variable holds is replaced and never changed, since contexts share it.
        last, value = self._last
        if mark is not last:
            value = self.capture()
            self._last = (mark, value)
        return value


class Locale(_OfDjango):
    """Django's active language. Its code, or "" where translations are off."""

    def __init__(self) -> None:
        super().__init__(translation.deactivate_all)

    def capture(self) -> str | None:
        # The stubs know nothing of translations that are off.
        code: str | None = translation.get_language()
        if code is None:
            return ""
        return None if code == settings.LANGUAGE_CODE else code

    def apply(self, value: Any) -> None:
        if value is None:
            translation.deactivate()
        elif value == "":
            translation.deactivate_all()
        else:
            # Django would take any text, and speak the project's own language.
            translation.get_supported_language_variant(value)
            translation.activate(value)


class TimeZone(_OfDjango):
    """Django's active time zone: its name, or the minutes by which it is ahead of UTC."""

    def __init__(self) -> None:
        super().__init__(lambda: timezone.activate(UTC))

    def capture(self) -> str | int | None:
        zone = timezone.get_current_timezone()
        name = getattr(zone, "key", None)
        if name is not None:
            return None if name == settings.TIME_ZONE else str(name)
        ahead = zone.utcoffset(None)
        return None if ahead is None else ahead // timedelta(minutes=1)

    def apply(self, value: Any) -> None:
        if value is None:
            timezone.deactivate()
        elif isinstance(value, int):
            timezone.activate(timezone.get_fixed_timezone(value))
        else:
            timezone.activate(zoneinfo.ZoneInfo(value))
