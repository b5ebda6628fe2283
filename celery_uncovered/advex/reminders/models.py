"""The tables of the reminders: pull requests as far as they are known, and webhooks that were taken."""

from django.db import models
from django.utils import timezone


class PullRequest(models.Model):
    """One row each, locked while a webhook about it is taken; it outlives the runs.

    ``openings`` counts how often it was opened, each time with a run of its own, ``run_id`` the last.
    ``changed_at`` is GitHub's time of what made it open or closed: what is older comes too late.
    """

    repo = models.CharField(max_length=140)
    number = models.PositiveIntegerField()
    is_open = models.BooleanField(default=False)
    openings = models.PositiveIntegerField(default=0)
    run_id = models.CharField(max_length=36, blank=True)
    changed_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["repo", "number"], name="pull_request_once"),
        ]
        indexes = [models.Index(fields=["-seen_at"], name="pull_request_seen")]

    def __str__(self) -> str:
        return f"{self.repo}#{self.number}"


class Delivery(models.Model):
    """A webhook that was taken, so that it is taken once: by its GUID, and by what was signed.

    The GUID is a header, which nobody signs; ``body_hash`` is of the signed body.
    """

    guid = models.CharField(max_length=64, null=True, unique=True)
    body_hash = models.CharField(max_length=64, unique=True)
    action = models.CharField(max_length=20)
    outcome = models.CharField(max_length=40)
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["received_at"], name="delivery_received")]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"{self.action} at {self.received_at:%Y-%m-%d %H:%M:%S}"
