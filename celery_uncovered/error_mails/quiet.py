"""What the error mails do themselves is not reported by them: it would have no end."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_quiet: ContextVar[bool] = ContextVar("error_mails_quiet", default=False)


def is_quiet() -> bool:
    return _quiet.get()


@contextmanager
def quiet() -> Iterator[None]:
    """What is logged within, in this thread, goes to the other handlers alone."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)
