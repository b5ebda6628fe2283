from datetime import timedelta

from django.apps import AppConfig


class SkippingConfig(AppConfig):
    name = "tests.support.skipping"
    label = "skipping"

    def ready(self) -> None:
        from django.conf import settings

        from celery_uncovered.workflows.engine.clock import Clock, clock
        from tests.support.skipping import skipped

        class FollowingClock(Clock):
            @property
            def ahead(self) -> timedelta:
                return skipped(settings.DATA_DIR)

            @ahead.setter
            def ahead(self, value: timedelta) -> None:
                raise NotImplementedError

        # Whoever has it, has this very one.
        clock.__class__ = FollowingClock
