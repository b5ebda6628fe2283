"""What the broker refuses, in one sentence, with AMQP's reply codes for kombu's callers."""

from collections.abc import Iterable

from amqp.exceptions import AMQPNotImplementedError, NotFound, PreconditionFailed


class ExchangeNotFoundError(NotFound):
    def __init__(self, exchange: str | None) -> None:
        self.exchange = exchange
        super().__init__(f'Exchange "{exchange}" does not exist.')


class QueueNotDeclaredError(NotFound):
    def __init__(self, queue: str) -> None:
        self.queue = queue
        super().__init__(f'Queue "{queue}" does not exist.')


class ExchangeTypeError(AMQPNotImplementedError):
    def __init__(self, kind: str, *, supported: Iterable[str]) -> None:
        self.kind = kind
        choices = ", ".join(sorted(supported))
        super().__init__(f'Exchange type "{kind}" is not supported; choose one of: {choices}.')


class ExchangeDiffersError(PreconditionFailed):
    def __init__(self, exchange: str, *, known: str, kind: str) -> None:
        self.exchange, self.known, self.kind = exchange, known, kind
        super().__init__(f'Exchange "{exchange}" is of type {known}, not {kind}.')
