"""Registers the app: examples of what every Django project needs, each in a folder of its own."""

from django.apps import AppConfig


class TricksConfig(AppConfig):
    name = "celery_uncovered.tricks"
    label = "tricks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery_uncovered.jobs import api as jobs

        jobs.register_example(
            jobs.Example(
                label="Error e-mails",
                summary="A page that breaks on purpose. A worker mails the error, and nobody waits for it.",
                url_name="report_error:page",
                run_url_name="report_error:page",
                order=20,
            )
        )
