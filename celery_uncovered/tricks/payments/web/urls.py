"""The addresses of the payments, within those of the examples."""

from django.urls import path

from celery_uncovered.tricks.payments.web import views

urlpatterns = [
    path("", views.payments, name="payments"),
    path("<str:task_id>/", views.payment, name="payment"),
    path("<str:task_id>/card/", views.card, name="payment-card"),
    path("<str:task_id>/status/", views.status, name="payment-status"),
]
