"""Registers the app: the web pages over all jobs."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "celery_uncovered.dashboard"
    label = "dashboard"

    def ready(self) -> None:
        from celery_uncovered.jobs import api as jobs

        jobs.register_link(
            jobs.NavigationLink(
                label="Jobs",
                url_name="dashboard:jobs",
                order=60,
                summary="What is running, what failed, what is done. Every attempt is on its page.",
            )
        )
        jobs.register_link(
            jobs.NavigationLink(
                label="Workflows",
                url_name="dashboard:runs",
                order=61,
                operators_only=True,
                summary="Runs that go on for days: where each is, and why it does not move.",
            )
        )
        jobs.register_link(
            jobs.NavigationLink(
                label="Dead letters",
                url_name="dashboard:dead-letters",
                order=62,
                operators_only=True,
                summary="Jobs that failed for good: retry them, or let them rest.",
            )
        )
        jobs.register_link(
            jobs.NavigationLink(
                label="Set aside",
                url_name="dashboard:set-aside",
                order=64,
                operators_only=True,
                summary="Messages that no worker could take, with their bytes.",
            )
        )
        jobs.register_link(
            jobs.NavigationLink(
                label="Queues",
                url_name="dashboard:queues",
                order=66,
                operators_only=True,
                summary="What waits in each queue, and who takes it; pause one, and resume it.",
            )
        )
        jobs.register_link(
            jobs.NavigationLink(
                label="Schedules",
                url_name="dashboard:schedules",
                order=70,
                operators_only=True,
                summary="What is submitted by itself: say when, pause it, or submit it now.",
            )
        )
