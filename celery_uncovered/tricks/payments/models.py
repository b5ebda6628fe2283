"""Payments: what was accepted, under which id it is charged for ever, and how it ended."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from celery_uncovered.tricks.payments.money import in_words
from celery_uncovered.tricks.payments.states import FINAL, OPEN, Status


class Payment(models.Model):
    """One payment, charged at most once, and in the end exactly once unless it is declined.

    ``task_id`` is the id of its job, made before anything is published and never changed: it is the
    key under which the gateway charges, whatever job or attempt asks. ``amount`` counts the
    currency's smallest unit. ``form_token`` is that of the form that was sent, with whose form it was.
    ``charge_id`` is the gateway's; ``reason`` says why it was declined, in one sentence.

    ``check_at`` is when somebody should look whether it gets on, ``checks`` how often that was done
    since its status changed.
    """

    task_id = models.CharField(max_length=36, unique=True)
    form_token = models.CharField(max_length=100, unique=True)
    amount = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=100)
    # The list's own index holds it too.
    payer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False
    )
    payer_session = models.CharField(max_length=64, blank=True)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACCEPTED)
    charge_id = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=250, blank=True)
    accepted_at = models.DateTimeField(default=timezone.now)
    charging_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    check_at = models.DateTimeField()
    checks = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="payment_of_something"),
            models.CheckConstraint(
                condition=~models.Q(status="SETTLED") | ~models.Q(charge_id=""),
                name="payment_settled_by_a_charge",
            ),
        ]
        indexes = [
            models.Index(
                fields=["status", "check_at"],
                condition=models.Q(status__in=[str(status) for status in OPEN]),
                name="payment_to_check",
            ),
            models.Index(fields=["payer", "-accepted_at"], name="payment_of_payer"),
            models.Index(fields=["payer_session", "-accepted_at"], name="payment_of_session"),
            models.Index(fields=["-accepted_at"], name="payment_accepted"),
        ]

    def __str__(self) -> str:
        return f"{self.amount_in_words} for {self.reference}"

    @property
    def amount_in_words(self) -> str:
        return in_words(self.amount, self.currency)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    @property
    def status_word(self) -> str:
        return str(Status(self.status).label)
