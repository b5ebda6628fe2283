from django.apps import AppConfig


class TestTasksConfig(AppConfig):
    name = "tests.support.app"
    label = "testtasks"

    def ready(self) -> None:
        from tests.support.app import faults, secret_tasks  # noqa: F401  # its tasks are known with it

        faults.connect()
