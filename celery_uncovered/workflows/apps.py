"""Registers the app; finds the workflows of all apps, in their modules ``workflows``."""

from django.apps import AppConfig


class WorkflowsConfig(AppConfig):
    name = "celery_uncovered.workflows"
    label = "workflows"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django.utils.module_loading import autodiscover_modules

        from celery_uncovered.jobs import api as jobs
        from celery_uncovered.workflows.engine import recovery, timers

        jobs.register_chore(jobs.Chore(name="timers", act=timers.wake_due, seconds=0.1))
        jobs.register_chore(jobs.Chore(name="runs", act=recovery.sweep, seconds=5.0))
        autodiscover_modules("workflows")
