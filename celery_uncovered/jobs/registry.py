"""What apps above tell the pages: links, examples, panels for their jobs' results, tasks to schedule."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from celery_uncovered.jobs.status import JobStatus


@dataclass(frozen=True, kw_only=True)
class NavigationLink:
    """A link of every page's head and a card of the home page, which says its ``summary``.

    ``operators_only`` hides it from others.
    """

    label: str
    url_name: str
    order: int = 50
    operators_only: bool = False
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A card of the home page that shows what the platform does, with a button that runs it.

    ``url_name`` is its page. The button posts ``fields`` to ``run_url_name``, which answers with a
    redirect to where the result can be seen. The field named ``token_field``, if any, gets a text of
    its own each time that the page is shown, so that a button pressed twice can be told from two.
    """

    label: str
    summary: str
    url_name: str
    run_url_name: str
    fields: dict[str, str] = field(default_factory=dict)
    token_field: str = ""
    order: int = 50
    operators_only: bool = False


@dataclass(frozen=True, kw_only=True)
class ResultPanel:
    """What a job's page shows for a task: a template, and its context from the job's status."""

    tasks: frozenset[str]
    template: str
    context: Callable[[JobStatus], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SchedulableTask:
    """A task that the schedules page offers. ``choices`` gives each keyword its allowed values."""

    task: str
    label: str
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)


_links: dict[str, NavigationLink] = {}
_examples: dict[str, Example] = {}
_panels: dict[str, ResultPanel] = {}
_schedulable: dict[str, SchedulableTask] = {}
_open_tasks: set[str] = set()


def register_link(link: NavigationLink) -> None:
    _links[link.url_name] = link


def register_example(example: Example) -> None:
    _examples[example.url_name] = example


def register_panel(panel: ResultPanel) -> None:
    _panels.update(dict.fromkeys(panel.tasks, panel))


def register_schedulable(task: SchedulableTask) -> None:
    _schedulable[task.task] = task


def register_open_tasks(*tasks: str) -> None:
    """Jobs of these tasks may be read by any browser on loopback, where settings allow that."""
    _open_tasks.update(tasks)


def links() -> list[NavigationLink]:
    return sorted(_links.values(), key=lambda link: (link.order, link.label))


def examples() -> list[Example]:
    return sorted(_examples.values(), key=lambda example: (example.order, example.label))


def panel_for(task: str) -> ResultPanel | None:
    return _panels.get(task)


def schedulable_tasks() -> list[SchedulableTask]:
    return sorted(_schedulable.values(), key=lambda task: task.label)


def is_open(task: str) -> bool:
    return task in _open_tasks


def open_tasks() -> frozenset[str]:
    return frozenset(_open_tasks)
