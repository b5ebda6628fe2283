"""For pages of other apps: the kinds of errors that came lately."""

from typing import Any

from django import template

from celery_uncovered.error_mails import queries

register = template.Library()


@register.inclusion_tag("error_mails/_recent.html")
def recent_errors(limit: int = 10) -> dict[str, Any]:
    """A table for operators; show it to nobody else."""
    return {"kinds": queries.recent_kinds(limit), "post": queries.post()}
