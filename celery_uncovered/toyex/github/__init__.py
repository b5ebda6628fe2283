"""GitHub's search for repositories, one page at a time, with its faults told apart.

Knows nothing of Celery or of Django: the address, the token and the waits are passed in.
"""

from celery_uncovered.toyex.github.client import SearchClient
from celery_uncovered.toyex.github.errors import (
    BadCredentials,
    BrokenAnswer,
    GitHubError,
    OpenAddress,
    QueryRefused,
    RateLimited,
    Refused,
    Temporary,
)
from celery_uncovered.toyex.github.page import SearchPage
from celery_uncovered.toyex.github.repository import Repository
from celery_uncovered.toyex.github.transport import Bounds

__all__ = [
    "BadCredentials",
    "Bounds",
    "BrokenAnswer",
    "GitHubError",
    "OpenAddress",
    "QueryRefused",
    "RateLimited",
    "Refused",
    "Repository",
    "SearchClient",
    "SearchPage",
    "Temporary",
]
