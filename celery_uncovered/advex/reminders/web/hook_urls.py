"""The address of the webhook."""

from django.urls import path

from celery_uncovered.advex.reminders.web.webhook import github_webhook

app_name = "webhooks"
urlpatterns = [path("github/", github_webhook, name="github")]
