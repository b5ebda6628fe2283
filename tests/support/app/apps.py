from django.apps import AppConfig


class TestTasksConfig(AppConfig):
    name = "tests.support.app"
    label = "testtasks"

    def ready(self) -> None:
        # Their tasks are known with them.
        from tests.support.app import faults, scoped, secret_tasks  # noqa: F401

        faults.connect()
