"""DBOS as its documentation has it: runs of steps that add two numbers, one that dies, ones that sleep."""

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig

NAP = 3600.0
#: Seconds between two looks at what other threads have done.
LOOK = 0.002

_awake: list[float] = []


def _add(one: int, other: int) -> int:
    return one + other


def _hold() -> None:
    """Note that it has begun; then somebody ends the process."""
    with Path(os.environ["PEER_NOTES"]).open("a") as file:
        file.write("begins\n")
    time.sleep(NAP)


def _add_up(steps: int) -> int:
    total = 0
    for number in range(steps):
        total = add(total, number)
    return total


def _add_then_hold(steps: int) -> None:
    for number in range(steps):
        add(number, number)
    hold()


async def _note_awake() -> None:
    _awake.append(time.monotonic())


async def _sleep_then_note(until: float) -> None:
    await DBOS.sleep_async(until - time.time())
    await note_awake()


# Not as decorators, since they have no types here.
add: Any = DBOS.step()(_add)
hold: Any = DBOS.step()(_hold)
note_awake: Any = DBOS.step()(_note_awake)
add_up: Any = DBOS.workflow()(_add_up)
add_then_hold: Any = DBOS.workflow()(_add_then_hold)
sleep_then_note: Any = DBOS.workflow()(_sleep_then_note)


def begin() -> None:
    config: DBOSConfig = {
        "name": "peer",
        "system_database_url": os.environ["PEER_DATABASE_URL"],
        "application_version": "1",
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()


def run(runs: int, steps: int) -> float:
    """Seconds from the start of the first run until the result of the last one is there."""
    began = time.monotonic()
    handles = [DBOS.start_workflow(add_up, steps) for _ in range(runs)]
    results = {handle.get_result() for handle in handles}
    ended = time.monotonic()
    if results != {sum(range(steps))}:
        raise RuntimeError(results)
    return ended - began


def start_holding(steps: int) -> None:
    DBOS.start_workflow(add_then_hold, steps)


def park(runs: int, seconds: float) -> float:
    """Start so many that sleep until one moment, in so many seconds; the moment, by ``time.time``."""
    until = time.time() + seconds
    _awake.clear()

    async def start() -> None:
        for _ in range(runs):
            await DBOS.start_workflow_async(sleep_then_note, until)

    asyncio.run_coroutine_threadsafe(start(), _loop()).result()
    return until


def wake(runs: int, until: float) -> float:
    """Seconds from that moment until the last of them has recorded that it is awake."""
    while len(_awake) < runs:
        time.sleep(LOOK)
    return time.time() - until


def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop
