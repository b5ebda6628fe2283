"""What came, by kind, and the mails that told of it. The numbers of both add up.

A kind's ``count`` is what came; ``waiting`` of it is in no mail yet, and the rest is in the parts of
its mails. A mail takes over what waits in the transaction that makes its row.
"""

from django.db import models
from django.utils import timezone


class Kind(models.Model):
    """A kind of error. Its words are those of the first one written down since a mail told of it.

    ``is_told`` says that a mail has told these words, so that the next ones replace them.
    """

    fingerprint = models.CharField(max_length=64, unique=True)
    source = models.CharField(max_length=255, blank=True)
    level = models.CharField(max_length=20, blank=True)
    sentence = models.TextField(blank=True)
    place = models.TextField(blank=True)
    traceback = models.TextField(blank=True)
    context = models.TextField(blank=True)
    job_id = models.CharField(max_length=255, blank=True)
    is_told = models.BooleanField(default=True)

    count = models.PositiveBigIntegerField(default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    waiting = models.PositiveBigIntegerField(default=0)
    waiting_first_at = models.DateTimeField(null=True)
    waiting_last_at = models.DateTimeField(null=True)

    mails = models.PositiveBigIntegerField(default=0)
    #: The round of its last mail: there is one in each at most.
    round = models.PositiveBigIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["-last_at", "-id"], name="error_kind_last"),
            models.Index(
                fields=["waiting_first_at"],
                condition=models.Q(waiting__gt=0),
                name="error_kind_waiting",
            ),
        ]

    def __str__(self) -> str:
        return self.sentence[:80] or self.fingerprint


class Mail(models.Model):
    """A mail, as it is sent: it keeps its words and its ``message_id`` when it is sent again.

    ``sent_at`` is when the mail server had taken it; ``error`` is why it has not yet.
    """

    message_id = models.CharField(max_length=255, unique=True)
    round = models.PositiveBigIntegerField()
    subject = models.TextField()
    body = models.TextField()
    #: What is sent instead of a body that the mail server refuses again and again.
    short_body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    refusals = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["round"], name="error_mail_round"),
            models.Index(fields=["id"], condition=models.Q(sent_at=None), name="error_mail_unsent"),
            models.Index(fields=["created_at", "id"], name="error_mail_created"),
        ]

    def __str__(self) -> str:
        return self.subject


class Part(models.Model):
    """How many errors of a kind a mail tells of."""

    mail = models.ForeignKey(Mail, on_delete=models.CASCADE, related_name="parts")
    kind = models.ForeignKey(Kind, on_delete=models.CASCADE, related_name="parts")
    count = models.PositiveBigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.count} of kind {self.kind_id}"


class Pace(models.Model):
    """One row: the number of the round of mails that is under way or comes next, and not before when."""

    number = models.PositiveBigIntegerField(default=1)
    not_before = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"round {self.number}"


class Keeper(models.Model):
    """A process's keeper, and the number of its last batch: no batch is stored twice."""

    id = models.CharField(primary_key=True, max_length=64)
    number = models.PositiveBigIntegerField()
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.id
