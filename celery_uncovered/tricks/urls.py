"""The addresses of the examples."""

from django.urls import URLPattern, URLResolver

app_name = "tricks"
urlpatterns: list[URLPattern | URLResolver] = []
