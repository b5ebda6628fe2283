"""Registers the app: examples of long workflows, each in a folder of its own."""

from django.apps import AppConfig


class AdvexConfig(AppConfig):
    name = "celery_uncovered.advex"
    label = "advex"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery_uncovered.advex.reminders import registering as reminders

        reminders.register()
