"""What the pages show of the example."""

from celery_uncovered.jobs import api as jobs

BAKE = "celery_uncovered.tricks.task_log.tasks.bake_bread"


def register() -> None:
    jobs.register_open_tasks(BAKE)
    jobs.register_example(
        jobs.Example(
            label="A log for each task",
            summary="A task that logs, prints and fails at first: read along while it works.",
            url_name="tricks:task-log",
            run_url_name="tricks:task-log",
            order=25,
        )
    )
