"""The Celery application; every task of the project is a job because of ``task_cls``."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

app = Celery("celery_uncovered", task_cls="celery_uncovered.jobs.task:JobTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
