"""Webhooks that were taken are forgotten in time."""

from datetime import timedelta

import pytest
from django.utils import timezone

from celery_uncovered.advex.reminders import tidy
from celery_uncovered.advex.reminders.models import Delivery
from celery_uncovered.advex.reminders.tidy import KEPT, forget_old_deliveries

pytestmark = pytest.mark.django_db


def taken(name: str, age: timedelta) -> None:
    Delivery.objects.create(
        guid=name, body_hash=name, action="opened", outcome="x", received_at=timezone.now() - age
    )


def test_old_ones_go_in_steps_and_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidy, "BATCH", 2)
    for number in range(3):
        taken(f"old {number}", KEPT + timedelta(minutes=1))
    taken("new", KEPT - timedelta(minutes=1))
    assert [forget_old_deliveries() for _ in range(3)] == [2, 1, 0]
    assert Delivery.objects.get().guid == "new"
