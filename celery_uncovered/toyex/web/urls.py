"""The addresses of the reports."""

from django.urls import path

from celery_uncovered.toyex.web import subscription_views, views

app_name = "toyex"
urlpatterns = [
    path("", views.report_list, name="reports"),
    path("hot-repos/", views.hot_repos, name="hot-repos"),
    path("subscribe/", subscription_views.subscribe, name="subscribe"),
    path("confirm/<str:token>/", subscription_views.confirm, name="confirm"),
    path("leave/<str:token>/", subscription_views.leave, name="leave"),
]
