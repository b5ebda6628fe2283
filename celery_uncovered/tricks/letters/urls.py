"""The address of the letters, within those of the examples."""

from django.urls import path

from celery_uncovered.tricks.letters import views

urlpatterns = [path("", views.letters, name="letters")]
