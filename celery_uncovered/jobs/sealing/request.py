"""Opening what a task is about to get, and remembering it as secret while the job runs."""

from typing import Any

from celery_uncovered.jobs.masking.known import learn_secrets
from celery_uncovered.jobs.sealing.sealed import opened

#: Header of a message that has other headers with sealed secrets in them.
SEALED_HEADER = "job_sealed"


def open_request(
    request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of the task that ``request`` is for, open; also in ``request`` itself.

    From now on the masker knows what was sealed by its value, wherever the job says it. Raises
    SealBrokenError.
    """
    found: list[Any] = []
    open_args: tuple[Any, ...] = opened(args, found)
    open_kwargs: dict[str, Any] = opened(kwargs, found)
    if getattr(request, SEALED_HEADER, False):
        headers = opened(request.headers or {}, found)
        request.headers = headers
        vars(request).update(headers, stamps=opened(request.stamps, found))
    learn_secrets(found)
    # In place: Celery hands these very objects to what it calls after the task.
    request.args[:] = open_args
    request.kwargs.update(open_kwargs)
    return open_args, open_kwargs
