"""The tables of durable runs: runs, what each has recorded, what it waits for, events."""

from django.db import models
from django.utils import timezone

from celery_uncovered.workflows.states import FINAL, RunState

NOT_FINAL = ~models.Q(state__in=[str(state) for state in FINAL])


class Run(models.Model):
    """One execution of a workflow.

    ``args`` is the JSON text ``[args, kwargs]``. ``epoch`` counts claims and is the fence: what a
    process records counts only while the run has the epoch that it claimed. ``lease_job`` is the job
    that advances it. ``crashes`` counts the processes that died over it since it recorded its step
    number ``crashed_at``. Of its steps those from ``history_from`` on are its history.
    """

    id = models.CharField(primary_key=True, max_length=36)
    workflow = models.CharField(max_length=255)
    key = models.CharField(max_length=255, null=True)
    queue = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=RunState.choices, default=RunState.READY)
    epoch = models.PositiveIntegerField(default=0)
    crashes = models.PositiveSmallIntegerField(default=0)
    crashed_at = models.PositiveIntegerField(default=0)
    lease_job = models.CharField(max_length=255, null=True)

    #: What holds in its steps as it did where it was started; a job's is the same (jobs.scope).
    scope = models.TextField(null=True)
    args = models.TextField()
    result = models.TextField(null=True)
    error = models.TextField(blank=True)
    error_type = models.CharField(max_length=255, blank=True)
    traceback = models.TextField(blank=True)
    #: What of the workflow's code a blocked run did not fit; it is tried again with other code.
    blocked_code = models.CharField(max_length=32, blank=True)

    parent_id = models.CharField(max_length=36, null=True)
    forked_from = models.CharField(max_length=36, null=True)
    history_from = models.PositiveIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)

    created_at = models.DateTimeField(default=timezone.now)
    #: Events that arrived before are of no concern to it.
    events_since = models.DateTimeField(default=timezone.now)
    #: When it got its state.
    since = models.DateTimeField(default=timezone.now)
    #: When it was given another job, because none came to take it up.
    sent_again_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "key"],
                condition=NOT_FINAL & models.Q(key__isnull=False),
                name="run_live_key",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "id"], name="run_created"),
            models.Index(fields=["workflow", "-created_at"], name="run_workflow_created"),
            models.Index(fields=["state", "-created_at"], name="run_state_created"),
            models.Index(
                fields=["queue", "since"], condition=models.Q(state="READY"), name="run_ready"
            ),
            models.Index(
                fields=["lease_job"], condition=models.Q(state="RUNNING"), name="run_leased"
            ),
            models.Index(
                fields=["parent_id"],
                condition=models.Q(parent_id__isnull=False),
                name="run_children",
            ),
            models.Index(
                fields=["workflow", "key", "-created_at"],
                condition=models.Q(key__isnull=False),
                name="run_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.workflow}[{self.id}]"


class Step(models.Model):
    """One thing that a run has recorded; ``number`` counts them in their order.

    ``branch`` is the line of execution ("" is the main one), ``label`` the name with its occurrence in
    that branch. ``value`` is a JSON text: what was returned, or the error as ``[class, message, args]``.
    """

    pk = models.CompositePrimaryKey("run_id", "number")
    # The fence is checked by the statement that inserts; a check by the database would cost a look-up.
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="steps", db_index=False, db_constraint=False
    )
    number = models.PositiveIntegerField()
    branch = models.CharField(max_length=255, blank=True)
    label = models.CharField(max_length=255)
    kind = models.CharField(max_length=10)
    digest = models.CharField(max_length=16, blank=True)
    is_error = models.BooleanField(default=False)
    value = models.TextField()
    attempts = models.PositiveSmallIntegerField(default=1)
    ended_at = models.DateTimeField()
    seconds = models.FloatField()

    def __str__(self) -> str:
        return f"{self.run_id} {self.number}: {self.branch}{self.label}"


class Wait(models.Model):
    """What a branch of a run is parked on: a time, an event, a child run, or another try of a step.

    ``due_at`` is when it ends by itself; ``fired`` says that the run was told so.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="waits", db_index=False)
    branch = models.CharField(max_length=255, blank=True)
    label = models.CharField(max_length=255)
    kind = models.CharField(max_length=10)
    key = models.CharField(max_length=255, null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True)
    fired = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "branch", "label"], name="wait_once"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(fired=False, due_at__isnull=False),
                name="wait_due",
            ),
            models.Index(
                fields=["key"], condition=models.Q(key__isnull=False), name="wait_for_key"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} waits at {self.branch}{self.label}"


class Event(models.Model):
    """A message for runs: the first wait for its key takes it; ``payload`` is a JSON text."""

    key = models.CharField(max_length=255)
    payload = models.TextField()
    #: Who sends the same again under the same id sends nothing.
    dedup_id = models.CharField(max_length=255, null=True, unique=True)
    arrived_at = models.DateTimeField(default=timezone.now)
    taken_by = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="events")

    class Meta:
        indexes = [
            models.Index(
                fields=["key", "id"], condition=models.Q(taken_by=None), name="event_waiting"
            ),
            models.Index(fields=["arrived_at"], name="event_arrived"),
        ]

    def __str__(self) -> str:
        return f"{self.key} at {self.arrived_at:%Y-%m-%d %H:%M:%S}"
