"""The Celery application of the suite's project, as a user writes it."""

from celery import Celery

app = Celery("celery_suite", task_cls="celery_uncovered.jobs.task:JobTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.include = ["t.integration.tasks"]
