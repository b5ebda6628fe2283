"""Names that several modules go by."""

APP = "celery_uncovered.error_mails"
MAIL_TASK = f"{APP}.tasks.mail_error_digests"


def is_own_task(task: str) -> bool:
    """Whether a job of ``task`` is one of this app, whose failure must not be mailed by it."""
    return task.startswith(f"{APP}.")
