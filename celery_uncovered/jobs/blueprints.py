"""Messages that differ in nothing but their ids and arguments: Celery builds one, the rest are copies.

Most of what Celery does for a message (routing, options, its protocol) gives the same each time. A
blueprint is a message that Celery has built, to be filled in for other jobs of the same task with
the same options. Where one message may differ from the next in any other way, because somebody
listens to Celery's signals, routes by a function, or submits from a running task, there is none.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from celery import Task
from celery.app.base import Celery
from celery.app.routes import MapRoute
from celery.backends.base import Backend
from celery.signals import after_task_publish, before_task_publish, task_sent
from celery.utils.saferepr import saferepr

from celery_uncovered.jobs import sealing
from celery_uncovered.jobs.hiding import reprs_of
from celery_uncovered.jobs.messages import Message, encode_body
from celery_uncovered.jobs.scope import SCOPE_HEADER

#: Options that are the same for a message whatever its arguments are.
CONSTANT = frozenset(
    {
        "delivery_mode",
        "exchange",
        "ignore_result",
        "priority",
        "queue",
        "routing_key",
        "serializer",
        "soft_time_limit",
        "time_limit",
    }
)
#: Kinds of submissions that are remembered; more than any project has.
MANY = 1000
NOTHING_FOLLOWS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
PLAIN = (int, float, bool, type(None))
#: Texts up to this length are shown as they are.
SHORT = 100

Options = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    app: Celery
    router: Any
    message: Message
    #: Of the positional arguments that are secret.
    secret_positions: frozenset[int]

    def fill_in(self, task_id: str, args: Any, kwargs: Any, scope: str | None = None) -> Message:
        """The message that Celery would build. Raises what ``encode_body`` raises."""
        first = self.message
        args, kwargs = args or (), kwargs or {}
        body = encode_body(first.task, (args, kwargs, NOTHING_FOLLOWS), self.secret_positions)
        if sealing.holds_sealed(body):
            argsrepr, kwargsrepr = reprs_of(body)
        else:
            argsrepr, kwargsrepr = shown(self.app, args), shown(self.app, kwargs)
        headers = first.headers | {
            "id": task_id,
            "root_id": task_id,
            "argsrepr": argsrepr,
            "kwargsrepr": kwargsrepr,
        }
        if scope is not None:
            headers[SCOPE_HEADER] = scope
        ids = {"correlation_id": task_id, "reply_to": self.app.thread_oid}
        return Message(
            task_id=task_id,
            task=first.task,
            queue=first.queue,
            exchange=first.exchange,
            routing_key=first.routing_key,
            body=body,
            headers=headers,
            properties=first.properties | ids,
        )


_blueprints: dict[tuple[str, Options], Blueprint] = {}


def blueprint_of(
    task: Any, args: Any, kwargs: Any, options: Mapping[str, Any], build: Callable[[], Message]
) -> Blueprint | None:
    """The blueprint for ``task`` with ``options``; ``build`` lets Celery build the first message.

    None where Celery must build each message by itself, or refuse it.
    """
    if not isinstance(args or (), (list, tuple)) or not isinstance(kwargs or {}, dict):
        return None
    if not is_the_same_each_time(task, options):
        return None
    key = (task.name, tuple(sorted(options.items())))
    known = _blueprints.get(key)
    router = task.app.amqp.router
    if known is None or known.app is not task.app or known.router is not router:
        if task.app.conf.task_send_sent_event:
            return None
        if len(_blueprints) >= MANY:
            _blueprints.clear()
        known = Blueprint(
            app=task.app,
            router=router,
            message=build(),
            secret_positions=sealing.secret_positions(task),
        )
        _blueprints[key] = known
    return known


def is_the_same_each_time(task: Any, options: Mapping[str, Any]) -> bool:
    app = task.app
    return (
        app.current_worker_task is None
        and not any(
            hears(signal) for signal in (before_task_publish, after_task_publish, task_sent)
        )
        and options.keys() <= CONSTANT
        and all(isinstance(value, (str, *PLAIN)) for value in options.values())
        and type(task).shadow_name is Task.shadow_name
        and getattr(task, "_dump_pydantic_arguments", None) is None
        and all(isinstance(route, MapRoute) for route in app.amqp.router.routes)
        and type(task.backend).on_task_call is Backend.on_task_call
    )


def hears(signal: Any) -> bool:
    return bool(signal.receivers)


def shown(app: Celery, arguments: Any) -> str:
    """``arguments`` as Celery shows them in a header, shortened where they are long."""
    values = arguments.values() if isinstance(arguments, dict) else arguments
    if all(map(_is_plain, values)) and (
        not isinstance(arguments, dict) or all(map(_is_plain, arguments))
    ):
        text = repr(arguments)
        if len(text) < app.amqp.argsrepr_maxsize // 2:
            return text
    limit = app.amqp.argsrepr_maxsize
    return str(saferepr(arguments, limit, maxlevels=app.conf.task_repr_maxlevels))


def _is_plain(value: Any) -> bool:
    """Whether ``repr`` shows ``value`` as Celery does."""
    kind = type(value)
    if kind is str:
        return len(value) <= SHORT and value.isprintable() and not {"'", "\\"} & {*value}
    return kind in PLAIN


os.register_at_fork(after_in_child=_blueprints.clear)
