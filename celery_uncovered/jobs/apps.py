"""Registers the app; its defaults, its checks, its worker hooks and its fork handling start here."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "celery_uncovered.jobs"
    label = "jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from celery import _state

        from celery_uncovered.jobs import checks, defaults, forking, sending, set_aside
        from celery_uncovered.jobs.task_log import capture
        from celery_uncovered.jobs.worker import heartbeat, stopping

        defaults.fill_in()
        checks.register_checks()
        forking.watch_forks()
        heartbeat.connect_worker_signals()
        stopping.connect()
        capture.connect()
        set_aside.connect_consumer()
        # One that is made later is watched as soon as it has a task.
        for app in _state._get_active_apps():  # type: ignore[attr-defined]  # noqa: SLF001  # Celery offers no other way
            if getattr(app.Task, "is_job", False):
                sending.watch(app)
