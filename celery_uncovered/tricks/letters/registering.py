"""What the pages show of the letters."""

from typing import Any

from celery_uncovered.jobs import api as jobs

TASKS = "celery_uncovered.tricks.letters.tasks"
WRITE, GATHER = f"{TASKS}.write_to_members", f"{TASKS}.gather_letters"


def register() -> None:
    jobs.register_open_tasks(WRITE, GATHER, f"{TASKS}.send_letter")
    jobs.register_example(
        jobs.Example(
            label="Letters in your language",
            summary="Jobs that inherit the language and the tenant of whoever submits them.",
            url_name="tricks:letters",
            run_url_name="tricks:letters",
            fields={"language": "ja", "tenant": "library"},
            order=30,
        )
    )
    jobs.register_panel(
        jobs.ResultPanel(
            tasks=frozenset({WRITE, GATHER}),
            template="tricks/letters/panel.html",
            context=panel_context,
        )
    )


def panel_context(status: jobs.JobStatus) -> dict[str, Any]:
    sent = status.result if isinstance(status.result, dict) else {}
    return {"title": "Letters to the members", "letters": sent.get("letters") or []}
