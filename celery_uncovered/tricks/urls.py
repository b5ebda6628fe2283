"""The addresses of the examples."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "tricks"
urlpatterns: list[URLPattern | URLResolver] = [
    path("payments/", include("celery_uncovered.tricks.payments.web.urls")),
]
