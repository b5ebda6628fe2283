"""Reports, their fetched pages, and who gets them by mail."""

import secrets

from django.db import models
from django.utils import timezone

from celery_uncovered.toyex.report import GROUPINGS, PERIODS


def new_token() -> str:
    return secrets.token_urlsafe(32)


class Report(models.Model):
    """One report that was asked for; ``task_id`` is its job. ``is_complete`` is null until built."""

    task_id = models.CharField(max_length=255, unique=True)
    period = models.CharField(max_length=10, choices=[(name, name) for name in PERIODS])
    group_by = models.CharField(max_length=10, choices=[(name, name) for name in GROUPINGS])
    ref_date = models.DateField()
    source = models.CharField(max_length=100)
    is_complete = models.BooleanField(null=True)
    incomplete_results = models.BooleanField(default=False)
    missing_pages = models.JSONField(default=list)
    total_count = models.PositiveIntegerField(default=0)
    repositories = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["period", "group_by", "ref_date", "source"], name="report_reusable"
            ),
            models.Index(fields=["-created_at"], name="report_created"),
        ]

    def __str__(self) -> str:
        return f"{self.period} to {self.ref_date} by {self.group_by}"


class ReportPage(models.Model):
    """What is known of one page of a report: what it brought, or how long it waits, and why.

    ``stars`` is null until it was fetched; ``wait_seconds`` is null unless it waits.
    """

    task_id = models.CharField(max_length=255)
    page = models.PositiveSmallIntegerField()
    stars = models.PositiveBigIntegerField(null=True)
    total_count = models.PositiveIntegerField(default=0)
    incomplete_results = models.BooleanField(default=False)
    wait_seconds = models.FloatField(null=True)
    wait_reason = models.CharField(max_length=50, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task_id", "page"], name="report_page_once"),
        ]

    def __str__(self) -> str:
        return f"page {self.page} of {self.task_id}"


class Subscription(models.Model):
    """An address that gets the scheduled reports of a period, once it has confirmed.

    ``asked_at`` is when it was last asked to; null before the first mail.
    """

    email = models.EmailField()
    period = models.CharField(max_length=10, choices=[(name, name) for name in PERIODS])
    token = models.CharField(max_length=64, unique=True, default=new_token)
    asked_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["email", "period"], name="subscription_once"),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.period}"
