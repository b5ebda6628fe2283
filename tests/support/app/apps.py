from django.apps import AppConfig


class TestTasksConfig(AppConfig):
    name = "tests.support.app"
    label = "testtasks"

    def ready(self) -> None:
        from tests.support.app import faults, scoped  # noqa: F401  # registers its tasks

        faults.connect()
