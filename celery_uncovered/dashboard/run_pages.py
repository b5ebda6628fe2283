"""What the page of one run shows, worked out through the front door of the workflows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from celery_uncovered.dashboard.run_timeline import Timeline, timeline_of
from celery_uncovered.jobs import api as jobs
from celery_uncovered.workflows import api as workflows

#: The ways in which a page shows the history, by their names in the address.
LIST, TIMELINE, FULL = "list", "timeline", "full"
SHOWN = {LIST: "List", TIMELINE: "Timeline", FULL: "Full history"}


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One run for one viewer; ``version`` changes whenever something on its card does."""

    run: workflows.RunInfo
    payload: workflows.RunPayload
    standing: workflows.Standing
    waits: list[workflows.OpenWait]
    parent: workflows.RunInfo | None
    children: list[workflows.RunInfo]
    values: Mapping[str, Any]
    story: workflows.Story
    timeline: Timeline
    shown: str
    before: int | None
    may_act: bool
    version: str

    @property
    def may_cancel(self) -> bool:
        return self.may_act and not self.run.is_final and not self.run.cancel_requested

    @property
    def may_resume(self) -> bool:
        return self.may_act and self.run.state in workflows.RESUMABLE

    @property
    def may_fork(self) -> bool:
        return self.may_act and any(entry.number is not None for entry in self.story.entries)

    @property
    def event_keys(self) -> tuple[str, ...]:
        """Of the events that can be sent to it now."""
        return tuple(dict.fromkeys(wait.key or "" for wait in self.waits if is_for_event(wait)))


def is_for_event(wait: workflows.OpenWait) -> bool:
    return wait.kind == workflows.Cause.EVENT


def run_view(
    run: workflows.RunInfo, viewer: jobs.Viewer, *, shown: str, before: int | None
) -> RunView:
    waits = workflows.open_waits(run.id)
    standing = workflows.run_standing(run, waits)
    story = workflows.run_story(run, before=before)
    children = workflows.children_of(run.id)
    payload, values = workflows.run_payload(run.id), workflows.shown_values(run.id)
    timeline = timeline_of(story.acts, timezone.now()) if shown == TIMELINE else Timeline()
    last = story.entries[-1].number if story.entries else None
    return RunView(
        run=run,
        payload=payload,
        standing=standing,
        waits=waits,
        parent=_parent(run),
        children=children,
        values=values,
        story=story,
        timeline=timeline,
        shown=shown,
        before=before,
        may_act=viewer.operates,
        version=jobs.fingerprint(
            [run.state, run.since, run.epoch, run.cancel_requested, last, len(story.entries)],
            [[wait.branch, wait.name, wait.attempts, wait.due_at] for wait in waits],
            [[child.id, child.state] for child in children],
            [standing.sentence, viewer.operates],
        ),
    )


def _parent(run: workflows.RunInfo) -> workflows.RunInfo | None:
    if run.parent_id is None:
        return None
    try:
        return workflows.run_info(run.parent_id)
    except workflows.RunNotFoundError:
        return None
