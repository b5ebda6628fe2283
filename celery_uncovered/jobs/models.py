"""The ledger: the tables that say what was accepted and what became of it."""

from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.utils import timezone

from celery_uncovered.jobs.states import (
    FINAL,
    AttemptOutcome,
    Misfire,
    OccurrenceOutcome,
    State,
)

NOT_FINAL = ~models.Q(state__in=[str(state) for state in FINAL])
#: The dead letters: failed, and neither retried nor discarded.
DEAD = models.Q(state="FAILURE", discarded_at=None)


class Job(models.Model):
    """One submission of a task; ``id`` is the Celery ``task_id``.

    ``body`` and ``message`` are JSON texts: the first is Celery's message body
    ``[args, kwargs, embed]``, the second ``{exchange, routing_key, properties, headers}``. Every
    message is built from them, also a republished or retried one.

    ``attempt`` counts claims and is the fence: a message and a worker carry the number they act
    for, and what carries another one changes nothing. A STARTED job without ``lease_node`` has
    handed over to the chord or chain that will end under its id.
    """

    id = models.CharField(primary_key=True, max_length=255)
    task = models.CharField(max_length=255)
    queue = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    times_lost = models.PositiveSmallIntegerField(default=0)

    body = models.TextField()
    message = models.TextField()
    result = models.TextField(null=True)
    error = models.TextField(blank=True)
    error_type = models.CharField(max_length=255, blank=True)
    traceback = models.TextField(blank=True)

    unique_key = models.CharField(max_length=255, null=True)
    #: When the key is free again although the job still lives; None for its end.
    unique_until = models.DateTimeField(null=True)
    root_id = models.CharField(max_length=255)
    parent_id = models.CharField(max_length=255, null=True)
    group_id = models.CharField(max_length=255, null=True)

    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    published_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    #: A failed job is a dead letter until it is retried, or until somebody says that it may rest.
    discarded_at = models.DateTimeField(null=True)

    lease_node = models.CharField(max_length=255, null=True)
    lease_pid = models.PositiveIntegerField(null=True)
    cancel_requested = models.BooleanField(default=False)
    #: Cancelled without waiting for its next report or check: its process is ended.
    terminate_requested = models.BooleanField(default=False)

    progress_done = models.PositiveBigIntegerField(null=True)
    progress_total = models.PositiveBigIntegerField(null=True)
    progress_note = models.CharField(max_length=255, blank=True)

    class Meta:
        constraints = [
            # These two hold only rows that have a key or an expiry: few do, and every move of a
            # job writes its row into each index that holds it.
            models.UniqueConstraint(
                fields=["unique_key"],
                condition=NOT_FINAL & models.Q(unique_key__isnull=False),
                name="job_live_unique_key",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "id"], name="job_created"),
            models.Index(fields=["task", "-created_at"], name="job_task_created"),
            models.Index(fields=["state", "-created_at"], name="job_state_created"),
            models.Index(fields=["root_id"], name="job_root"),
            # The dispatcher's three questions; each index holds only the rows in question.
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["SCHEDULED", "RETRY"]),
                name="job_due",
            ),
            models.Index(
                fields=["queue", "queued_at"],
                condition=models.Q(state="QUEUED"),
                name="job_queued",
            ),
            models.Index(
                fields=["queued_at"],
                condition=models.Q(state="QUEUED", published_at=None),
                name="job_unpublished",
            ),
            models.Index(
                fields=["lease_node"], condition=models.Q(state="STARTED"), name="job_leased"
            ),
            models.Index(
                fields=["expires_at"],
                condition=NOT_FINAL & models.Q(expires_at__isnull=False),
                name="job_expiring",
            ),
            # Few jobs fail: counting and listing those that wait for somebody reads only them. The
            # state stands in front so that SQLite prefers it to the index of all states.
            models.Index(
                fields=["state", "-finished_at", "id"], condition=DEAD, name="job_dead_letter"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task}[{self.id}]"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


class Attempt(models.Model):
    """One execution of a job that has ended: who ran it, when, and how it ended.

    The execution that runs has no row yet: the job's own ``attempt``, ``started_at`` and lease tell
    of it. It is written once, in the statement or transaction that ends it.
    """

    # Written with the job's own row, under its lock: a check by the database would cost a lookup
    # for each, and the unique constraint's index serves the look-ups.
    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, related_name="attempts", db_index=False, db_constraint=False
    )
    number = models.PositiveIntegerField()
    task = models.CharField(max_length=255)
    outcome = models.CharField(max_length=10, choices=AttemptOutcome.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    node = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} attempt {self.number}"


def artifact_storage() -> Any:
    # A check asks for one of their own; a project without such files need not have it.
    name = "artifacts" if "artifacts" in settings.STORAGES else "default"
    return storages[name]


class Artifact(models.Model):
    """A file that a job made. It is found by this row, never by a path."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=150)
    file = models.FileField(storage=artifact_storage, max_length=255)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "name"], name="artifact_once"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="artifact_expiring"),
            # For the search for files that no row names.
            models.Index(fields=["file"], name="artifact_file"),
        ]

    def __str__(self) -> str:
        return self.name


class Reader(models.Model):
    """Somebody who may see a job: a user, or the browser session that asked for it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="readers")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True)
    session = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "user", "session"], name="reader_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id or 'a session'} reads {self.job_id}"


class LogPart(models.Model):
    """Whole lines of what an attempt said.

    ``start`` and ``end`` count the bytes of all that the job's log has had, ``first_line`` its lines;
    what is missing between two parts is left out, because the log was too long.
    """

    # Written by a thread of the worker: a check by the database would refuse the lines of others too.
    job = models.ForeignKey(
        Job, on_delete=models.CASCADE, related_name="log_parts", db_index=False, db_constraint=False
    )
    attempt = models.PositiveIntegerField()
    start = models.PositiveBigIntegerField()
    end = models.PositiveBigIntegerField()
    first_line = models.PositiveBigIntegerField()
    lines = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        constraints = [
            # Also the way to a job's parts.
            models.UniqueConstraint(fields=["job", "start", "attempt"], name="log_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} attempt {self.attempt}: bytes {self.start} to {self.end}"


class Chord(models.Model):
    """A chord that waits for its parts; each part takes one off ``remaining`` when it is final.

    ``parts`` is the JSON text of the header's results as Celery's nested tuples, ``body`` that of
    the callback's signature.
    """

    group_id = models.CharField(primary_key=True, max_length=255)
    body_id = models.CharField(max_length=255, db_index=True)
    parts = models.TextField()
    body = models.TextField()
    size = models.PositiveIntegerField()
    remaining = models.IntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.group_id}: {self.remaining} of {self.size} to go"


class SetAside(models.Model):
    """A message that no worker can take: unreadable, foreign, or for a task that is not known.

    ``body`` holds its bytes, the first ones of ``size`` where it is larger than what is kept.
    ``headers`` and ``properties`` are JSON texts. Without ``is_message`` it is a file that lay in
    the embedded broker's folder, and is no message that could be sent.
    """

    queue = models.CharField(max_length=255)
    reason = models.TextField()
    received_at = models.DateTimeField(default=timezone.now)
    is_message = models.BooleanField(default=True)
    task_id = models.CharField(max_length=255, blank=True)
    task = models.CharField(max_length=255, blank=True)
    body = models.BinaryField()
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=255, blank=True)
    content_encoding = models.CharField(max_length=255, blank=True)
    headers = models.TextField(default="{}")
    properties = models.TextField(default="{}")

    class Meta:
        indexes = [models.Index(fields=["-received_at", "-id"], name="set_aside_received")]

    def __str__(self) -> str:
        return f"{self.size} bytes of queue {self.queue}"


class Node(models.Model):
    """A worker's main process; ``beat_at`` is its sign of life. The id tells host, boot and pid."""

    id = models.CharField(primary_key=True, max_length=255)
    name = models.CharField(max_length=255)
    host = models.CharField(max_length=255)
    boot_id = models.CharField(max_length=64)
    pid = models.PositiveIntegerField()
    process_start = models.CharField(max_length=32)
    #: The names of those that it takes jobs from, as JSON; null where it has not said.
    queues = models.TextField(null=True)
    started_at = models.DateTimeField(default=timezone.now)
    beat_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.name


class PausedQueue(models.Model):
    """A queue of which no job may begin until it is resumed; its jobs wait in the ledger.

    One that was resumed has its row until the dispatcher has sent again what was dropped meanwhile.
    """

    queue = models.CharField(primary_key=True, max_length=100)
    since = models.DateTimeField()
    by = models.CharField(max_length=255, blank=True)
    reason = models.CharField(max_length=255, blank=True)
    resumed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.queue


class Leader(models.Model):
    """Who leads: one row per role. Each take-over raises ``epoch``, which guards a leader's acts."""

    role = models.CharField(primary_key=True, max_length=50)
    holder = models.CharField(max_length=255)
    epoch = models.PositiveBigIntegerField(default=0)
    expires_at = models.DateTimeField()
    #: When it acted last, and how many seconds late it was then; of the dispatcher.
    acted_at = models.DateTimeField(null=True)
    lag_seconds = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"{self.role}: {self.holder} (epoch {self.epoch})"


class ScheduleRecord(models.Model):
    """What is kept of a schedule beside its row of django-celery-beat, whose id it has.

    Each occurrence up to ``decided_until`` has been decided, and none of them is looked at again.
    ``plan`` is what the schedule said then, "" while it was paused: when it says another thing, what
    was due before the change is not missed. ``misfire`` is "" for the usual policy.
    """

    # No foreign key: a project may use the ledger without django-celery-beat.
    schedule_id = models.BigIntegerField(primary_key=True)
    misfire = models.CharField(max_length=4, choices=Misfire.choices, blank=True)
    #: With the policy to skip: how late the latest one may still run.
    grace_seconds = models.PositiveIntegerField(default=60)
    plan = models.TextField(blank=True)
    decided_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"schedule {self.schedule_id}, decided until {self.decided_until}"


class Occurrence(models.Model):
    """One due time of a schedule and what was decided about it, in the transaction of its job."""

    schedule_id = models.BigIntegerField()
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=9, choices=OccurrenceOutcome.choices)
    #: The job; "" where none was submitted.
    task_id = models.CharField(max_length=255, blank=True)
    note = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule_id", "due_at"], name="occurrence_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="occurrence_created")]

    def __str__(self) -> str:
        return f"schedule {self.schedule_id} at {self.due_at}: {self.outcome}"
