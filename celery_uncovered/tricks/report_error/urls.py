"""The one address of the example."""

from django.urls import path

from celery_uncovered.tricks.report_error import views

app_name = "report_error"
urlpatterns = [path("", views.report_error, name="page")]
