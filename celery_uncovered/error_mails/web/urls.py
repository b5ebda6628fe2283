"""The addresses of the errors."""

from django.urls import path

from celery_uncovered.error_mails.web import views

app_name = "error_mails"
urlpatterns = [
    path("", views.kind_list, name="kinds"),
    path("<int:number>/", views.kind_page, name="kind"),
    path("mails/<int:number>/", views.mail_page, name="mail"),
]
