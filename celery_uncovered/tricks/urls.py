"""The addresses of the examples."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "tricks"
urlpatterns: list[URLPattern | URLResolver] = [
    path("letters/", include("celery_uncovered.tricks.letters.urls")),
    path("task-log/", include("celery_uncovered.tricks.task_log.urls")),
    path("payments/", include("celery_uncovered.tricks.payments.web.urls")),
]
