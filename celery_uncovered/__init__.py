"""A background-job platform for Django: Celery moves the messages, the database is the truth."""

from celery_uncovered.celery import app as celery_app

__all__ = ["celery_app"]
