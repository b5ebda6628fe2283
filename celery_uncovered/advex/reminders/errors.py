"""What the reminders raise: each error words one sentence for GitHub, whose page of deliveries shows it."""


class WebhookError(Exception):
    """A webhook that is not taken; ``status`` is HTTP's."""

    status = 400


class NoSecretError(WebhookError):
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "No webhook is accepted, because this installation has no secret to check it by;"
            " set GITHUB_WEBHOOK_SECRET."
        )


class BadSignatureError(WebhookError):
    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__(f"The webhook is not accepted: {reason}.")


class TooLargeError(WebhookError):
    status = 413

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(
            f"The body is larger than {limit // 2**20} MB, the most that GitHub sends."
        )


class BadRequestError(WebhookError):
    """Signed or not, it cannot be read."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        self.status = status
        super().__init__(sentence)
