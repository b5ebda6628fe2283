"""What is refused when a payment is asked for; each error words its own sentence."""


class PaymentError(Exception):
    """The root of all errors of the payments."""


class BadPaymentError(PaymentError):
    """A value that no payment can have; the message is one sentence."""


class TokenUsedError(PaymentError):
    """The form's token belongs to a payment of other values; ``paid`` is that one in words."""

    def __init__(self, paid: str) -> None:
        self.paid = paid
        super().__init__(
            f"This form has been used for a payment of {paid}; press Pay again to make another one."
        )
