"""The installation, and its Celery application; a project that adopts the apps has its own."""

from celery_uncovered.celery import app as celery_app

__all__ = ["celery_app"]
