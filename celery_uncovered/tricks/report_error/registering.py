"""What the start page shows of the error on purpose."""

from celery_uncovered.jobs import api as jobs


def register() -> None:
    jobs.register_example(
        jobs.Example(
            label="Error e-mails",
            summary="A page that breaks on purpose. A worker mails the error, and nobody waits for it.",
            url_name="report_error:page",
            run_url_name="report_error:page",
            order=20,
        )
    )
