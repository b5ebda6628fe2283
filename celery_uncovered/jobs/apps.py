"""Registers the app; its defaults, its checks, its worker hooks and its fork handling start here."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "celery_uncovered.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery_uncovered.jobs import checks, defaults, forking, heartbeat

        defaults.fill_in()
        checks.register_checks()
        forking.watch_forks()
        heartbeat.connect_worker_signals()
