"""Whether this process mails errors: whether its LOGGING names the handler."""

_has_handler = False


def note_handler() -> None:
    global _has_handler  # noqa: PLW0603  # told once, at the configuration of logging
    _has_handler = True


def has_handler() -> bool:
    return _has_handler
