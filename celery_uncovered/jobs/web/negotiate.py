"""What the client wants to get: JSON, or a page."""

from django.http import HttpRequest


def wants_json(request: HttpRequest) -> bool:
    """Whether ``Accept`` puts JSON before HTML; one that takes anything gets HTML."""
    preferred = request.get_preferred_type(["text/html", "application/json"])
    return preferred == "application/json"
