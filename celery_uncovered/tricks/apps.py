"""Registers the app: examples of what every Django project needs, each in a folder of its own."""

from django.apps import AppConfig


class TricksConfig(AppConfig):
    name = "celery_uncovered.tricks"
    label = "tricks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery_uncovered.tricks.letters import registering as letters
        from celery_uncovered.tricks.payments import registering as payments
        from celery_uncovered.tricks.report_error import registering as report_error
        from celery_uncovered.tricks.task_log import registering as task_log

        for example in (report_error, task_log, letters, payments):
            example.register()
