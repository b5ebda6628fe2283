"""What can go wrong with the gateway; each error carries its data and words one sentence.

A payment that is declined is none of them: it is an answer. ``args`` is the data, so that the errors
survive Celery's JSON. Their names say what happened (hence N818).
"""

from typing import ClassVar


class GatewayError(Exception):
    """The root: ``is_retryable`` says whether the same request may succeed later.

    None of them says that nothing was charged: that only an answer does.
    """

    is_retryable: ClassVar[bool] = False


class Unavailable(GatewayError):  # noqa: N818
    """A 5xx, 409 or 429, no connection, no answer in time, or half an answer."""

    is_retryable = True

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"The payment gateway could not answer for now: {self.reason}."


class BrokenAnswer(Unavailable):
    """An answer that is cut off, too large, no JSON, or of another charge than was asked for."""

    def __str__(self) -> str:
        return f"The payment gateway's answer is broken: {self.reason}."


class Refused(GatewayError):  # noqa: N818
    """Any other 4xx, or a redirect (never followed): somebody has to look."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"The payment gateway refused the request ({self.status} {self.message})."
