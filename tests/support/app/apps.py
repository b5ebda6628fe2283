from django.apps import AppConfig


class TestTasksConfig(AppConfig):
    name = "tests.support.app"
    label = "testtasks"
