"""The address of the example, within those of the examples."""

from django.urls import path

from celery_uncovered.tricks.task_log import views

urlpatterns = [path("", views.bakery, name="task-log")]
