"""One thread's connection to the broker: sends many messages and says which the broker has taken."""

import logging
import threading
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

from amqp.basic_message import Message as AmqpMessage
from celery import current_app

from celery_uncovered.jobs.confirms import ConfirmingChannel
from celery_uncovered.jobs.errors import NotAllSentError
from celery_uncovered.jobs.messages import Delivery, wire_form

log = logging.getLogger(__name__)

#: How long messages may take to be taken and confirmed; a blocked broker is one that is down.
CONFIRM_SECONDS = 5.0
CONTENT: dict[str, str] = {"content_type": "application/json", "content_encoding": "utf-8"}


class Sender:
    """Connects when it has something to send, and stays connected. For one thread."""

    def __init__(self) -> None:
        self._broker: Any = None
        self._channel: ConfirmingChannel | None = None
        self._declared: set[str] = set()

    def send(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Send ``deliveries``; those that the broker has taken.

        What is refused by itself, for its exchange or queue, is logged and left out. Raises
        NotAllSentError where the connection fails, with those that were taken before.
        """
        taken: list[Delivery] = []
        was_connected = self._broker is not None
        try:
            self._send(deliveries, taken)
        except Exception as error:
            self.close()
            if not was_connected:
                raise NotAllSentError(taken, error) from error
            # It may have been closed long ago, and a new one may work. What the broker has
            # taken without our hearing of it is sent twice, and the second claims nothing.
            self._send_again(deliveries, taken)
        return taken

    def look(self) -> None:
        """Notice that the broker has closed the connection, while there is nothing to send."""
        if self._channel is None:
            return
        try:
            self._broker.drain_events(timeout=0)
        except TimeoutError:
            pass
        except Exception:  # noqa: BLE001  # whatever it says, the next message connects anew
            self.close()

    def close(self) -> None:
        broker, self._broker, self._channel = self._broker, None, None
        self._declared = set()
        if broker is not None:
            # No words of farewell: the broker may not be there to answer.
            broker.collect()

    def _send_again(self, deliveries: list[Delivery], taken: list[Delivery]) -> None:
        done = {id(one) for one in taken}
        try:
            self._send([one for one in deliveries if id(one) not in done], taken)
        except Exception as error:
            self.close()
            raise NotAllSentError(taken, error) from error

    def _send(self, deliveries: list[Delivery], taken: list[Delivery]) -> None:
        self._connect()
        sendable = self._sendable(deliveries)
        if self._broker.transport.driver_type == "amqp":
            self._send_confirmed(sendable, taken)
        else:
            self._send_each(sendable, taken)

    def _connect(self) -> None:
        if self._broker is not None:
            return
        # No heartbeats: nobody is there to send them between two messages.
        self._broker = current_app.connection_for_write().clone(heartbeat=0)
        # Every address once, without a pause; the dispatcher is the one that is patient.
        self._broker.ensure_connection(
            max_retries=max(0, len(self._broker.alt) - 1), interval_start=0, interval_step=0
        )
        # What catches unroutable and dead messages.
        for queue in getattr(current_app.conf, "jobs_safety_queues", None) or ():
            self._declare(queue)

    def _sendable(self, deliveries: list[Delivery]) -> list[Delivery]:
        """Those whose queues could be declared; once for each connection."""
        known: Any = current_app.amqp.queues
        names = {delivery.message.queue for delivery in deliveries} - self._declared
        # One that Celery made when it was named is not known to other processes yet.
        declared = {name for name in names if known.create_missing or name in known}
        bad = {name for name in declared if not self._declare(known[name])}
        self._declared |= names - bad
        return [one for one in deliveries if one.message.queue not in bad] if bad else deliveries

    def _declare(self, queue: Any) -> bool:
        try:
            queue(self._broker.default_channel).declare()
        except self._broker.channel_errors as error:
            log.warning("Queue %s cannot be declared: %s", queue.name, error)
            return False
        return True

    # --- with confirms ---------------------------------------------------------------------------
    def _send_confirmed(self, deliveries: list[Delivery], taken: list[Delivery]) -> None:
        try:
            self._send_batch(deliveries, taken)
        except self._broker.connection_errors:
            raise
        except Exception:  # noqa: BLE001  # one of them has closed the channel for all: which, is found one by one
            done = {id(one) for one in taken}
            for delivery in deliveries:
                if id(delivery) not in done:
                    self._send_alone(delivery, taken)

    def _send_alone(self, delivery: Delivery, taken: list[Delivery]) -> None:
        try:
            self._send_batch([delivery], taken)
        except self._broker.connection_errors:
            raise
        except Exception as error:  # noqa: BLE001  # of this one message: a missing exchange, an odd header
            log.warning("Job %s is not sent: %s", delivery.message.task_id, error)

    def _send_batch(self, deliveries: list[Delivery], taken: list[Delivery]) -> None:
        if self._channel is None:
            self._channel = ConfirmingChannel(self._broker.connection)
        channel = self._channel
        published: list[Delivery] = []
        try:
            with self._broker.connection.transport.having_timeout(CONFIRM_SECONDS):
                for delivery in deliveries:
                    published.append(delivery)
                    publish_amqp(channel, delivery)
                channel.flush()
            refused = channel.settle(CONFIRM_SECONDS)
            for task_id in refused:
                log.warning("Job %s is not sent: no queue takes it", task_id)
        except BaseException as error:
            self._channel = None
            refused = channel.unconfirmed
            if not isinstance(error, self._broker.connection_errors):
                channel.close()
            raise
        finally:
            taken += confirmed(published, refused)

    # --- without ---------------------------------------------------------------------------------
    def _send_each(self, deliveries: list[Delivery], taken: list[Delivery]) -> None:
        """Over a transport whose publishing ends when the broker has the message."""
        producer = self._broker.Producer(auto_declare=False)
        together = getattr(self._broker.transport, "flushed_together", nullcontext)
        done: list[Delivery] = []
        failure: Exception | None = None
        with together():
            for delivery in deliveries:
                try:
                    publish_plainly(producer, delivery)
                except self._broker.connection_errors as error:
                    failure = error
                    break
                except Exception as error:  # noqa: BLE001  # of this one message: a missing exchange
                    log.warning("Job %s is not sent: %s", delivery.message.task_id, error)
                else:
                    done.append(delivery)
        taken += done
        if failure is not None:
            raise failure


def publish_plainly(producer: Any, delivery: Delivery) -> None:
    message = delivery.message
    headers, body = wire_form(delivery)
    producer.publish(
        body,
        exchange=message.exchange,
        routing_key=message.routing_key,
        headers=headers,
        retry=False,
        **CONTENT,
        **message.properties,
    )


def publish_amqp(channel: ConfirmingChannel, delivery: Delivery) -> None:
    message = delivery.message
    headers, body = wire_form(delivery)
    channel.publish(
        message.task_id,
        AmqpMessage(body, application_headers=headers, **CONTENT, **message.properties),
        exchange=message.exchange,
        routing_key=message.routing_key,
    )


def confirmed(published: Iterable[Delivery], refused: set[str]) -> list[Delivery]:
    return [one for one in published if one.message.task_id not in refused]


def most_ahead() -> int | None:
    """How many messages should wait in one queue of the broker; None for any number."""
    broker: Any = current_app.connection_for_write()
    most: int | None = getattr(broker.transport, "most_ahead", None)
    return most


def room_in_queues() -> dict[str, int]:
    """How many more messages each queue should get; none is named where any number may wait."""
    if (most := most_ahead()) is None:
        return {}
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        return {
            name: max(0, most - channel.queue_declare(queue=name).message_count)
            for name in current_app.amqp.queues
        }


class _Own(threading.local):
    sender: Sender | None = None


_own = _Own()


def own_sender() -> Sender:
    """The sender of this thread."""
    if _own.sender is None:
        _own.sender = Sender()
    return _own.sender


def forget_senders() -> None:
    """In a forked child: the connections are the parent's."""
    global _own  # noqa: PLW0603  # one per process, made anew after a fork
    _own = _Own()
