"""What can go wrong with GitHub; each error carries its data and words one sentence.

``args`` is the data, in the order of the constructor, so the errors survive pickling and
Celery's JSON. None of them ever holds the token. Their names say what happened (hence N818).
"""

from typing import ClassVar


class GitHubError(Exception):
    """The root: ``is_retryable`` says whether the same request may succeed later."""

    is_retryable: ClassVar[bool] = False


class RateLimited(GitHubError):  # noqa: N818
    """A primary or secondary limit; ``retry_after`` is in seconds, bounded by the client."""

    is_retryable = True

    def __init__(self, retry_after: float, status: int = 403) -> None:
        super().__init__(retry_after, status)
        self.retry_after = retry_after
        self.status = status

    def __str__(self) -> str:
        return (
            f"GitHub's rate limit is used up ({self.status}); "
            f"the next request may go in {self.retry_after:.0f} s."
        )


class Temporary(GitHubError):  # noqa: N818
    """A 5xx (then ``status`` is set), no connection, no answer in time, or half an answer."""

    is_retryable = True

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason, status)
        self.reason = reason
        self.status = status

    def __str__(self) -> str:
        return f"GitHub could not answer for now: {self.reason}."


class BrokenAnswer(Temporary):
    """A 200 that is cut off, too large, no JSON, or lacks what a search answer must have."""

    def __str__(self) -> str:
        return f"GitHub's answer is broken: {self.reason}."


class BadCredentials(GitHubError):  # noqa: N818
    """401: the token is wrong, expired or revoked."""

    def __init__(self, message: str = "Bad credentials", status: int = 401) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"GitHub refused the token ({self.status} {self.message}); check GITHUB_OAUTH."


class UnusableToken(BadCredentials):
    """The token cannot travel in a header, so it was never sent."""

    def __init__(self) -> None:
        super().__init__()
        self.args = ()

    def __str__(self) -> str:
        return "The token has characters that an HTTP header cannot carry; check GITHUB_OAUTH."


class OpenAddress(BadCredentials):
    """The address would carry the token over the network as plain text, so it was never sent."""

    def __init__(self) -> None:
        super().__init__()
        self.args = ()

    def __str__(self) -> str:
        return (
            "GITHUB_API_URL is plain http, which everybody on the way can read GITHUB_OAUTH from;"
            " use https, or no token."
        )


class QueryRefused(GitHubError):  # noqa: N818
    """422: GitHub does not accept the query; ``message`` is GitHub's own."""

    def __init__(self, message: str, status: int = 422) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"GitHub refused the query ({self.status} {self.message})."


class Refused(GitHubError):  # noqa: N818
    """Any other 4xx, or a redirect (never followed); ``message`` is GitHub's own or a reason."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"GitHub refused the request ({self.status} {self.message})."
