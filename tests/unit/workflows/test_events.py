"""Sending events, outside of any run."""

import pytest
from django.db import transaction

from celery_uncovered.workflows import api as workflows
from celery_uncovered.workflows.models import Event

pytestmark = pytest.mark.django_db


def test_an_event_that_was_sent_before_is_told_by_its_dedup_id() -> None:
    assert workflows.send_event("paid", 1, dedup_id="webhook-7")
    assert not workflows.send_event("paid", 2, dedup_id="webhook-7")
    assert not workflows.send_event("refunded", 3, dedup_id="webhook-7"), "under whatever key"
    assert workflows.send_event("paid", 4, dedup_id="webhook-8")
    assert workflows.send_event("paid", 5)
    assert workflows.send_event("paid", 5), "nobody said that these are one"
    payloads = Event.objects.order_by("id").values_list("payload", flat=True)
    assert list(payloads) == ["1", "4", "5", "5"]


def test_a_repeated_event_leaves_the_callers_transaction_usable() -> None:
    workflows.send_event("paid", dedup_id="webhook-7")
    with transaction.atomic():
        assert not workflows.send_event("paid", dedup_id="webhook-7")
        assert workflows.send_event("paid", dedup_id="webhook-8")
    assert Event.objects.count() == 2
