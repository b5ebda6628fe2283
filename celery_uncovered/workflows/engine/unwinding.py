"""What unwinds a run's stack. No ``Exception``, so that a workflow's own handlers let it pass."""


class Unwinding(BaseException):
    """The run goes on another time, elsewhere, or not at all."""


class Suspended(Unwinding):
    """It is parked: all its branches wait."""


class Fenced(Unwinding):
    """Another process has the run, or it is over; what this one does counts no more."""


class Cancelled(Unwinding):
    """Somebody cancelled it."""


class Released(Unwinding):
    """The worker ends; another one goes on."""


class ContinuedAsNew(Unwinding):
    """The run begins again, with these arguments and a fresh history."""

    def __init__(self, args: str) -> None:
        self.args_text = args
        super().__init__()


class Mismatch(Unwinding):
    """The history does not fit the code; the text says how."""
