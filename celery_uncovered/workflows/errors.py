"""What the workflows app raises: one root; each error carries its data and words its own sentence."""


class WorkflowError(Exception):
    """The root of all errors of the workflows app."""


class UnknownWorkflowError(WorkflowError, LookupError):
    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f'Workflow "{name}" is not registered.')


class NameTakenError(WorkflowError, ValueError):
    def __init__(self, kind: str, name: str) -> None:
        self.name = name
        super().__init__(f'{kind} "{name}" is defined twice; give one of them another name.')


class RunNotFoundError(WorkflowError, LookupError):
    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"There is no run {run_id}.")


class NotInARunError(WorkflowError, RuntimeError):
    def __init__(self, what: str) -> None:
        super().__init__(f"{what} can be called by a workflow that is running, and here is none.")


class InsideAStepError(WorkflowError, RuntimeError):
    def __init__(self, what: str, step: str) -> None:
        super().__init__(f'{what} belongs in the workflow; step "{step}" cannot call it.')


class NotJsonError(WorkflowError, TypeError):
    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} is not JSON: {reason}.")


class TooLargeError(WorkflowError, ValueError):
    def __init__(self, what: str, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(f"{what} takes {size:,} bytes as JSON; the limit is {limit:,}.")


class HistoryLimitError(WorkflowError):
    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"The run has recorded {limit:,} steps, which is the limit; end it, or go on with"
            " continue_as_new."
        )


class StepTimeoutError(WorkflowError, TimeoutError):
    def __init__(self, step: str, seconds: float) -> None:
        self.step, self.seconds = step, seconds
        super().__init__(f'Step "{step}" did not end within {seconds:g} s.')


class RunFailedError(WorkflowError):
    """Raised to who asks for the result of a run that failed; ``error`` is its sentence."""

    def __init__(self, run_id: str, error_type: str, error: str) -> None:
        self.run_id, self.error_type, self.error = run_id, error_type, error
        super().__init__(f"Run {run_id} failed: {error}")


class RunCancelledError(WorkflowError):
    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"Run {run_id} was cancelled.")


class RunNotFinalError(WorkflowError, TimeoutError):
    def __init__(self, run_id: str, state: str, seconds: float) -> None:
        self.run_id, self.state = run_id, state
        super().__init__(f"Run {run_id} is {state} after {seconds:g} s.")


class KeyTakenError(WorkflowError):
    def __init__(self, key: str, run_id: str) -> None:
        self.key, self.run_id = key, run_id
        super().__init__(f'Run {run_id} had the key "{key}" before.')


class NotSteerableError(WorkflowError):
    """Raised for a run that cannot be steered so; ``reason`` completes the sentence."""

    def __init__(self, run_id: str, act: str, reason: str) -> None:
        self.run_id = run_id
        super().__init__(f"Run {run_id} cannot be {act}: {reason}.")


class RecordedError(WorkflowError):
    """A step's error whose own class cannot be made again from what was recorded."""

    def __init__(self, error_type: str, message: str) -> None:
        self.error_type = error_type
        super().__init__(f"{error_type}: {message}" if message else error_type)
