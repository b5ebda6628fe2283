"""Registers the app: what listens to failed jobs, its page, its checks."""

from django.apps import AppConfig


class ErrorMailsConfig(AppConfig):
    name = "celery_uncovered.error_mails"
    label = "error_mails"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery.signals import worker_process_shutdown

        # The tasks import the models: the keeper's thread finds all that it needs.
        from celery_uncovered.error_mails import checks, job_failures, keeper, tasks
        from celery_uncovered.jobs import api as jobs

        job_failures.connect()
        checks.register_checks()
        # A worker's child ends without what Python does at its end.
        worker_process_shutdown.connect(keeper.flush_at_exit, weak=False)
        jobs.register_link(
            jobs.NavigationLink(
                label="Errors",
                url_name="error_mails:kinds",
                order=66,
                operators_only=True,
                summary="What went wrong, how often, and the mails that told of it.",
            )
        )
        jobs.register_schedulable(
            jobs.SchedulableTask(task=tasks.tend_error_mails.name, label="Error mails, tended")
        )
