"""Beat: django-celery-beat's table of schedules, decided once each by the beat that leads."""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler

from celery_uncovered.jobs.errors import LeadLostError
from celery_uncovered.jobs.models import ScheduleRecord
from celery_uncovered.jobs.patience import will_pass
from celery_uncovered.jobs.schedules import deciding
from celery_uncovered.jobs.schedules.agenda import Agenda
from celery_uncovered.jobs.schedules.deciding import Decided, Lead
from celery_uncovered.jobs.schedules.leading import Leading
from celery_uncovered.jobs.schedules.turns import rows_with_times

log = logging.getLogger(__name__)

#: Celery's own clean-up of results, by a clock of its own.
CLEAN_UP = "celery.backend_cleanup"
#: How often beat looks whether a schedule was changed; and it reads them all at least so often.
LOOK_SECONDS, READ_SECONDS = 1.0, 300.0
#: Schedules that one transaction looks at.
BATCH = 200
#: What tells that a row, or when it is due, was changed.
COLUMNS = (
    "pk",
    "date_changed",
    "one_off",
    "start_time",
    "expires",
    "crontab_id",
    "crontab__minute",
    "crontab__hour",
    "crontab__day_of_month",
    "crontab__month_of_year",
    "crontab__day_of_week",
    "zone_name",
    "interval_id",
    "interval__every",
    "interval__period",
    "clocked_id",
    "clocked__clocked_time",
    "solar_id",
    "solar__event",
    "solar__latitude",
    "solar__longitude",
)


class LedgerScheduler(DatabaseScheduler):  # type: ignore[misc]  # the package ships no types
    """Submits into the ledger, so it needs no broker: a schedule holds while the broker is down.

    Two may run: one leads. Each occurrence is decided in one transaction with its job, so that a
    crash, or a note that fails, can neither lose nor repeat it.
    """

    def __init__(
        self, *args: Any, clock: Callable[[], float] = time.monotonic, **kwargs: Any
    ) -> None:
        self.clock = clock
        self.leading = Leading(clock=clock)
        self.agenda = Agenda()
        #: What this process has in mind is of that epoch.
        self._epoch: int | None = None
        self._change: Any = None
        self._looked = self._read = float("-inf")
        self._is_ticking = False
        super().__init__(*args, **kwargs)

    # --- what the settings say of schedules ------------------------------------------------------
    def setup_schedule(self) -> None:
        """Take over CELERY_BEAT_SCHEDULE; drop Celery's clean-up: retention removes results.

        An installation that ran another scheduler before has that entry.
        """
        self.Model.objects.filter(task=CLEAN_UP).delete()
        self.update_from_dict(self.app.conf.beat_schedule)

    def update_from_dict(self, mapping: Any) -> None:
        """Make the rows of these entries; one that says what it said is left alone."""
        for name, entry in mapping.items():
            try:
                fields = self.Entry._unpack_fields(**entry)  # noqa: SLF001  # it has no public name
                known = self.Model.objects.filter(name=name).first()
                if known is None or any(
                    getattr(known, field) != value for field, value in fields.items()
                ):
                    self.Model.objects.update_or_create(name=name, defaults=fields)
            except Exception:
                log.exception("Entry %s of CELERY_BEAT_SCHEDULE cannot be kept", name)

    def enabled_models_qs(self) -> Any:
        """All of them, whatever their hour: the package leaves out crontabs that seem far off."""
        return self.Model.objects.enabled()

    # --- the loop --------------------------------------------------------------------------------
    def tick(self, *_: Any, **__: Any) -> float:
        """Decide what is due, if this beat leads; the seconds until it should be called again."""
        self._is_ticking = True
        longest: float = min(LOOK_SECONDS, self.max_interval)
        try:
            return self._act(longest)
        except Exception as error:
            # The next tick tries again, on a new connection.
            if not will_pass(error):
                log.exception("Beat could not look at its schedules")
            else:
                log.warning("Beat waits for the database: %s", error)
            self._looked = float("-inf")
            connection.close()
            return longest
        finally:
            self._is_ticking = False

    def _act(self, longest: float) -> float:
        epoch = self.leading.look()
        if epoch is None:
            self._epoch = None
            return longest
        lead = Lead(candidate=self.leading.candidate, epoch=epoch)
        try:
            self._look(lead)
            if self._decide(lead):
                return 0
        except LeadLostError as error:
            log.warning("%s", error)
            self.leading.lose()
            return longest
        left = self.agenda.seconds_left(timezone.now())
        return longest if left is None else min(longest, left)

    def _look(self, lead: Lead) -> None:
        """Read the schedules where they were changed, or where this beat has begun to lead."""
        now = self.clock()
        if lead.epoch != self._epoch:
            self.agenda, self._change, self._read = Agenda(), None, float("-inf")
            log.info("This beat leads, in epoch %s", lead.epoch)
        elif now - self._looked < LOOK_SECONDS:
            return
        # Before the rows: what is changed after this is seen the next time.
        change = self.Changes.last_change()
        if now - self._read >= READ_SECONDS or change != self._change:
            self._read_all(lead)
            self._change, self._read = change, now
        self._looked, self._epoch = now, lead.epoch

    def _read_all(self, lead: Lead) -> None:
        enabled = rows_with_times().filter(enabled=True)
        rows = {row[0]: row for row in enabled.values_list(*COLUMNS)}
        changed, gone = self.agenda.compare(rows)
        if lead.epoch != self._epoch:
            ScheduleRecord.objects.exclude(schedule_id__in=self.Model.objects.values("pk")).delete()
            active = ScheduleRecord.objects.exclude(plan="")
            gone = list(set(active.values_list("schedule_id", flat=True)) - rows.keys())
        for start in range(0, max(len(changed), 1), BATCH):
            batch = changed[start : start + BATCH]
            self.agenda.put(deciding.settle_marks(batch, lead, gone, timezone.now()))
            gone = []
        self.agenda.keep(rows)

    def _decide(self, lead: Lead) -> bool:
        """Decide a batch of what is due; False where nothing is."""
        now = timezone.now()
        ids = self.agenda.take(now, BATCH)
        if not ids:
            return False
        try:
            decided = self._decided(ids, lead)
        except BaseException:
            self.agenda.put_back(ids, now)
            raise
        self.agenda.put(dict.fromkeys(ids, now) | decided.wakes)
        self.agenda.forget(decided.over)
        return True

    def _decided(self, ids: list[int], lead: Lead) -> Decided:
        try:
            return deciding.decide(ids, lead, timezone.now())
        except LeadLostError:
            raise
        except Exception as error:
            if will_pass(error):
                raise
            # One of them is at fault, and must hold up no other.
            log.exception("A batch of %s schedules cannot be decided together", len(ids))
            each = [self._decided_alone(number, lead) for number in ids]
        wakes = {number: at for one in each for number, at in one.wakes.items()}
        return Decided(wakes=wakes, over=[number for one in each for number in one.over])

    def _decided_alone(self, number: int, lead: Lead) -> Decided:
        """What the database says of one schedule is noted; if not even that can be, it waits."""
        reason = ""
        for _ in range(2):
            try:
                return deciding.decide([number], lead, timezone.now(), refusal=reason)
            except LeadLostError:
                raise
            except Exception as error:
                if will_pass(error):
                    raise
                log.exception("Schedule %s cannot be decided", number)
                reason = str(error) or type(error).__name__
        later = timezone.now() + timedelta(seconds=READ_SECONDS)
        return Decided(wakes={number: later}, over=[])

    # --- what Celery's beat asks for besides -----------------------------------------------------
    def sync(self) -> None:
        """Nothing waits to be written."""

    def close(self) -> None:
        """Let another beat lead at once. Celery calls this from a signal's handler too."""
        if self._is_ticking:
            return  # the tick may be using the connection; it is called again after it
        try:
            self.leading.resign()
        except Exception as error:  # noqa: BLE001  # the lead runs out by itself
            log.warning("Beat could not resign: %s", error)
        connection.close()

    @property
    def producer(self) -> Any:
        return None
