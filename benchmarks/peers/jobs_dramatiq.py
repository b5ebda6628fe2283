"""Dramatiq on RabbitMQ, as it is by default: no confirms, no results."""

import os

import dramatiq
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from benchmarks.peers import tally

broker = RabbitmqBroker(url=os.environ["PEER_BROKER_URL"])
dramatiq.set_broker(broker)
ran = tally.opened()


def work(x: int, y: int) -> int:
    ran.add()
    return x + y


add = dramatiq.actor(work, actor_name="add")


def submit(number: int) -> None:
    add.send(number, 2)


def submit_many(count: int) -> None:
    for number in range(count):
        add.send(number, 2)
