"""The project of Celery's suite: ours, with the one queue that the suite expects, "celery"."""

from config.settings.celery import job_queue
from config.settings.test import *  # noqa: F403  # layered, as those of config/settings

CELERY_TASK_QUEUES = [job_queue("celery")]
CELERY_TASK_DEFAULT_QUEUE = "celery"
CELERY_TASK_DEFAULT_ROUTING_KEY = "celery"
CELERY_TASK_ROUTES: dict[str, object] = {}
