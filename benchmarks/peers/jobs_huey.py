"""Huey on Redis, without results."""

import os

from huey import RedisHuey

from benchmarks.peers import tally

huey = RedisHuey("peer", url=os.environ["PEER_REDIS_URL"], results=False)
ran = tally.opened()


def work(x: int, y: int) -> int:
    ran.add()
    return x + y


add = huey.task(name="add")(work)


def submit(number: int) -> None:
    add(number, 2)


def submit_many(count: int) -> None:
    for number in range(count):
        add(number, 2)
