"""The addresses of the project."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("celery_uncovered.dashboard.urls")),
    path("jobs/", include("celery_uncovered.jobs.web.urls")),
    path("reports/", include("celery_uncovered.toyex.web.urls")),
    path("errors/", include("celery_uncovered.error_mails.web.urls")),
    path("report-error/", include("celery_uncovered.tricks.report_error.urls")),
    path("webhooks/", include("celery_uncovered.advex.reminders.web.hook_urls")),
    path("advex/", include("celery_uncovered.advex.urls")),
    path("tricks/", include("celery_uncovered.tricks.urls")),
]
