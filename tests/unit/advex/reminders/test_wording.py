"""What is said in a channel, and how it is called."""

import re

import pytest

from celery_uncovered.advex.reminders.wording import (
    LONGEST_NAME,
    channel_name,
    link,
    reminder,
    summary,
)


@pytest.mark.parametrize(
    ("repo", "number", "name"),
    [
        ("Codertocat/Hello-World", 2, "pr-hello-world-2"),
        ("a/b.c_d", 10, "pr-b-c_d-10"),
        ("a/...", 1, "pr-repository-1"),
        ("a/" + "x" * 100, 2**31 - 1, "pr-" + "x" * 46 + "-2147483647"),
    ],
)
def test_a_channel_is_called_by_what_slack_allows(repo: str, number: int, name: str) -> None:
    assert channel_name(repo, number) == name
    assert re.fullmatch(r"[a-z0-9_-]+", name)
    assert len(name) <= LONGEST_NAME


def test_messages_link_to_the_pull_request() -> None:
    words = "<https://github.com/a/b/pull/3|a/b#3>"
    assert link("a/b", 3) == f"Opened: {words}"
    assert reminder("a/b", 3, 1) == f"Still open after a day: {words}"
    assert reminder("a/b", 3, 5) == f"Still open after 5 days: {words}"
    closed = {"merged": False, "by": "eve"}
    assert summary("a/b", 3, closed) == f"Closed without being merged by eve: {words}"
    assert summary("a/b", 3, closed | {"merged": True}) == f"Merged by eve: {words}"


def test_nothing_that_others_choose_is_markup() -> None:
    text = summary("a/b", 3, {"merged": True, "by": "<!channel> & co"})
    assert text.startswith("Merged by &lt;!channel&gt; &amp; co:")
