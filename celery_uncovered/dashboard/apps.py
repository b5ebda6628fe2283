"""Registers the app: the web pages over all jobs."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "celery_uncovered.dashboard"
    label = "dashboard"
