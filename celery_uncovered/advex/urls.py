"""The addresses of the examples' pages; a production installation has none of them."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

app_name = "advex"
urlpatterns: list[URLPattern | URLResolver] = []
if settings.REMINDERS_PAGE:
    urlpatterns.append(path("reminders/", include("celery_uncovered.advex.reminders.web.urls")))
