"""What must hold after a run, whoever died: a sentence for everything that does not."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.chaos.audit import shortened
from tests.chaos.reminders.plan import ROLES, Life, Plan

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The runs, the channels with their messages, when each step began, and who was killed how often.

    ``begun`` has the chat's time of each step's begin, in seconds.
    """

    runs: list[Row]
    channels: list[Row]
    begun: list[float]
    kills: Counter[str]


def problems(evidence: Evidence, plan: Plan) -> list[str]:
    """Empty when each pull request had its channel, and each thing was said once and on its day."""
    checks = (runs, channels, messages, marks, deaths)
    found = [shortened(list(check(evidence, plan))) for check in checks]
    return [problem for several in found for problem in several]


def key_of(life: Life) -> str:
    return f"Codertocat/Hello-World#{life.number}/{life.opening}"


def runs(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """One for each time that a pull request was open, and it has succeeded."""
    known = Counter(row["key"] for row in evidence.runs)
    expected = {key_of(life) for life in plan.lives}
    for key in expected | known.keys():
        if known[key] != (key in expected):
            yield f"There are {known[key]} runs with the key {key}."
    for row in evidence.runs:
        if row["state"] != "SUCCESS":
            yield f"The run {row['key']} is {row['state']}: {row['error']}"


def channels(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """One for each run, archived; and no other."""
    made = Counter(row["channel"] for row in evidence.runs)
    for channel in evidence.channels:
        if made[channel["id"]] != 1:
            yield f"Channel {channel['name']} is that of {made[channel['id']]} runs."
        if not channel["is_archived"]:
            yield f"Channel {channel['name']} is not archived."
    if len(evidence.channels) != len(plan.lives):
        yield f"There are {len(evidence.channels)} channels, not {len(plan.lives)}."


def messages(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """What was to be said, each once, in its order; and each reminder on its day."""
    by_key = {row["key"]: row["channel"] for row in evidence.runs}
    by_id = {channel["id"]: channel for channel in evidence.channels}
    for life in plan.lives:
        channel = by_id.get(by_key.get(key_of(life)))
        if channel is None:
            yield f"{key_of(life)} has no channel."
            continue
        said = [message["text"].partition(":")[0] for message in channel["messages"]]
        if said != life.words:
            yield f"In the channel of {key_of(life)} is {said}, not {life.words}."
            continue
        steps = [bisect_right(evidence.begun, float(one["ts"])) - 1 for one in channel["messages"]]
        wanted = [
            life.opened_at,
            *(life.reminded_at(number) for number in range(1, life.reminders + 1)),
            life.closed_at,
        ]
        if steps != wanted:
            yield f"What was said of {key_of(life)} was so in the steps {steps}, not {wanted}."


def marks(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """Each message is that of one step."""
    del plan
    found = Counter(
        message.get("metadata", {}).get("event_payload", {}).get("step")
        for channel in evidence.channels
        for message in channel["messages"]
    )
    for mark, times in found.items():
        if mark is None or times > 1:
            yield f"{times} messages are of the step {mark}."


def deaths(evidence: Evidence, plan: Plan) -> Iterator[str]:
    """Each role died, and in a full run often."""
    wanted = 10 if plan.is_full else 1
    for role in ROLES:
        if evidence.kills[role] < wanted:
            yield f"Too mild: {role} was killed {evidence.kills[role]} times; {wanted} were to be."
