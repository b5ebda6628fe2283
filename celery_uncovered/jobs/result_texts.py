"""The texts of results: how values become JSON and come back, and what stands beside them.

Secrets are sealed in what programs read again, and masked in what only people read.
"""

import json
from copy import copy
from typing import Any

from django_celery_results.backends.database import DatabaseBackend

from celery_uncovered.jobs import literals, sealing
from celery_uncovered.jobs.masking import mask_value

#: Values that each JSON encoder writes alike, and the most common note beside a result.
PLAIN = (str, int, bool, type(None))
CHILDLESS: dict[str, Any] = {"children": []}
CHILDLESS_TEXT = json.dumps(CHILDLESS)


class TextBackend(DatabaseBackend):  # type: ignore[misc]  # the package ships no types
    """django-celery-results' backend as far as it encodes and decodes."""

    def _encode(self, data: Any) -> tuple[str, str, str]:
        """As Celery's, which looks its serializer up for each of the texts of a result."""
        if self.serializer == "json":
            if type(data) in PLAIN:
                return "application/json", "utf-8", json.dumps(data)
            if data == CHILDLESS:
                return "application/json", "utf-8", CHILDLESS_TEXT
        encoded: tuple[str, str, str] = super()._encode(data)
        if literals.TYPE_NAME in encoded[2] and (tagged := literals.with_tags(data)) is not data:
            encoded = super()._encode(tagged)
        return encoded

    def sealed_text(self, value: Any) -> str:
        """JSON that ``decode`` makes ``value`` of again."""
        return sealing.seal(self.encode(value))

    def masked_text(self, value: Any) -> str:
        """JSON of ``value`` without its secrets."""
        return str(self.encode(mask_value(value)))

    def meta_text(self, meta: Any) -> str:
        """What is noted beside a result."""
        text: str = self.encode_content(meta)[2]
        return text if text is CHILDLESS_TEXT else sealing.seal(text)

    def decode(self, payload: Any) -> Any:
        """What a program reads, with its secrets open. Raises SealBrokenError."""
        return sealing.read(payload, super().decode(payload))

    def _get_extended_properties(self, request: Any, traceback: Any) -> dict[str, Any]:
        """As the package's; the arguments of a task that ran in its caller, which no message shows, masked."""
        if request is not None and getattr(request, "argsrepr", None) is None:
            request = _masked(request)
        properties: dict[str, Any] = super()._get_extended_properties(request, traceback)
        return properties


def _masked(request: Any) -> Any:
    masked = copy(request)
    if request.args:
        positions = sealing.secret_positions(str(request.get("task") or ""))
        masked.args = sealing.masked_args(request.args, positions)
    if request.kwargs:
        masked.kwargs = mask_value(request.kwargs)
    return masked
