"""The addresses of one job."""

from django.urls import path

from celery_uncovered.jobs.web import downloads, log, views

app_name = "jobs"
urlpatterns = [
    path("<str:task_id>/", views.page, name="page"),
    path("<str:task_id>/card/", views.card, name="card"),
    path("<str:task_id>/status/", views.status, name="status"),
    path("<str:task_id>/log/", log.document, name="log"),
    path("<str:task_id>/log/lines/", log.lines, name="log-lines"),
    path("<str:task_id>/log.txt", log.text, name="log-text"),
    path("<str:task_id>/cancel/", views.cancel, name="cancel"),
    path("<str:task_id>/retry/", views.retry, name="retry"),
    path("<str:task_id>/discard/", views.discard, name="discard"),
    path("<str:task_id>/artifacts/<str:name>", downloads.artifact, name="artifact"),
]
