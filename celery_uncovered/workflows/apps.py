"""Registers the app; finds the workflows of all apps, in their modules ``workflows``."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "celery_uncovered.workflows"
    label = "workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        autodiscover_modules("workflows")
