"""What can go wrong with the chat; each error carries its data and words one sentence.

``args`` is the data, so that a run can record an error and raise it again. Their names say what
happened (hence N818).
"""


class ChatError(Exception):
    """The root."""


class Unavailable(ChatError):  # noqa: N818
    """The same request may succeed later, after ``retry_after`` seconds if the chat names them.

    A 5xx or 429, no connection, no answer in time, or half an answer: whether the chat did what it
    was asked is not known.
    """

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason, retry_after)
        self.reason, self.retry_after = reason, retry_after

    def __str__(self) -> str:
        return f"The chat could not answer for now: {self.reason}."


class BrokenAnswer(Unavailable):
    """An answer that is cut off, too large, no JSON, or without what it should tell."""

    def __str__(self) -> str:
        return f"The chat's answer is broken: {self.reason}."


class Refused(ChatError):  # noqa: N818
    """The chat said no, by a ``code`` of its own; or it redirects, which is never followed."""

    def __init__(self, method: str, code: str) -> None:
        super().__init__(method, code)
        self.method, self.code = method, code

    def __str__(self) -> str:
        return f"The chat refused {self.method}: {self.code}."


class NameTaken(Refused):
    """A channel, perhaps an archived one, has this name."""
