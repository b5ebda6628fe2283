"""A message that a worker has received and not sent to a child."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from celery.worker import state as worker_state

from celery_uncovered.jobs.messages import ATTEMPT_HEADER, BODY_HEADER
from celery_uncovered.jobs.worker.batch import Entry

DEFAULT_REQUEST = "celery.worker.request:Request"


@dataclass(kw_only=True, slots=True)
class Held:
    """``alone`` sends the message as Celery does."""

    message: Any
    task: Any
    alone: Callable[[], None]
    #: Its batch could not be run; by itself it may, or say why.
    must_go_alone: bool = False

    @property
    def id_and_attempt(self) -> tuple[str, int]:
        return self.message.headers["id"], self.message.headers[ATTEMPT_HEADER]

    def is_plain(self) -> bool:
        """Whether nothing about the message asks for Celery's own way of sending it to a child."""
        task, headers = self.task, self.message.headers
        return (
            not self.must_go_alone
            # One that was lost or retried goes alone: it may take its company with it.
            and headers.get(ATTEMPT_HEADER) == 1
            and BODY_HEADER not in headers
            and self.message.content_type == "application/json"
            and headers["id"] not in worker_state.revoked
            and bool(task.acks_late)
            and not task.rate_limit
            and task.Request == DEFAULT_REQUEST
        )

    def entry(self, hostname: str, soft_limit: float | None) -> Entry:
        """What its child is told of it."""
        message, headers = self.message, self.message.headers
        properties, delivery = message.properties, message.delivery_info or {}
        request = headers | {
            "properties": properties,
            "reply_to": properties.get("reply_to"),
            "correlation_id": properties.get("correlation_id"),
            "hostname": hostname,
            "delivery_info": {
                "exchange": delivery.get("exchange"),
                "routing_key": delivery.get("routing_key"),
                "priority": properties.get("priority"),
                "redelivered": delivery.get("redelivered", False),
            },
        }
        body = message.body
        return Entry(
            task=self.task.name,
            task_id=headers["id"],
            attempt=headers[ATTEMPT_HEADER],
            request=request,
            body=body if isinstance(body, str) else bytes(body).decode(),
            soft_limit=soft_limit,
        )
