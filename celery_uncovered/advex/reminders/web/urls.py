"""The addresses of the page, within those of the examples."""

from django.urls import path

from celery_uncovered.advex.reminders.web import views

urlpatterns = [
    path("", views.reminders, name="reminders"),
    path("<int:number>/", views.pull_request, name="pull-request"),
    path("<int:number>/card/", views.card, name="pull-request-card"),
]
