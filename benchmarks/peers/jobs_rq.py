"""RQ on Redis; each job runs in a process forked for it."""

import os

import redis
import rq

from benchmarks.peers import tally

#: Jobs of one call.
CHUNK = 1000

connection = redis.Redis.from_url(os.environ["PEER_REDIS_URL"])
queue = rq.Queue(connection=connection)
ran = tally.opened()


def add(x: int, y: int) -> int:
    ran.add()
    return x + y


def submit(number: int) -> None:
    queue.enqueue(add, number, 2)


def submit_many(count: int) -> None:
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        queue.enqueue_many([rq.Queue.prepare_data(add, (number, 2)) for number in numbers])
