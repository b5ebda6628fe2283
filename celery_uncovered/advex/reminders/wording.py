"""What is said in the channel, in Slack's markup, and how the channel is called."""

import re
from typing import Any

#: Slack's names have 80 characters at most; the rest is for what makes them unique.
LONGEST_NAME = 60
_UNFIT = re.compile(r"[^a-z0-9_]+")


def channel_name(repo: str, number: int) -> str:
    """Like ``pr-hello-world-2``: lower-case letters, digits, hyphens and underscores."""
    tail = f"-{number}"
    name = _UNFIT.sub("-", repo.rpartition("/")[2].lower()).strip("-") or "repository"
    return f"pr-{name[: LONGEST_NAME - len(tail) - 3].strip('-')}{tail}"


def link(repo: str, number: int) -> str:
    return f"Opened: {_link(repo, number)}"


def reminder(repo: str, number: int, reminders: int) -> str:
    days = "a day" if reminders == 1 else f"{reminders} days"
    return f"Still open after {days}: {_link(repo, number)}"


def summary(repo: str, number: int, closed: dict[str, Any]) -> str:
    done = "Merged" if closed["merged"] else "Closed without being merged"
    return f"{done} by {escape(closed['by'])}: {_link(repo, number)}"


def escape(text: str) -> str:
    """So that nothing in it is markup: nobody is called by somebody's choice of a name."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(repo: str, number: int) -> str:
    return f"<https://github.com/{escape(repo)}/pull/{number}|{escape(repo)}#{number}>"
