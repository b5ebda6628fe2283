"""The form of a schedule, new or changed: a task's own choices, a time in simple fields, its policy."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django_celery_beat.models import PeriodicTask

from celery_uncovered.dashboard.schedule_times import LAST_DAY, Rhythm, Times, times_of
from celery_uncovered.dashboard.timetable import Settings, entry_of, is_taken, kwargs_of
from celery_uncovered.jobs import api as jobs

EVERY: dict[str, str] = {
    Rhythm.MINUTES: "Minutes",
    Rhythm.HOUR: "Hour",
    Rhythm.DAY: "Day",
    Rhythm.WEEK: "Week",
    Rhythm.MONTH: "Month",
    Rhythm.CRONTAB: "Crontab",
}
KEEP: dict[str, str] = {Rhythm.KEEP: "As now"}
WEEKDAYS = {
    "1": "Monday",
    "2": "Tuesday",
    "3": "Wednesday",
    "4": "Thursday",
    "5": "Friday",
    "6": "Saturday",
    "0": "Sunday",
}
MOST_MINUTES = 7 * 24 * 60
MOST_GRACE = 7 * 24 * 3600
WEEKLY = Times(rhythm=Rhythm.WEEK, zone="")


def _choice(label: str, choices: Mapping[str, str], **options: Any) -> forms.ChoiceField:
    known = ", ".join(choices)
    return forms.ChoiceField(
        label=label,
        choices=list(choices.items()),
        error_messages={
            "invalid_choice": f"{label} “%(value)s” is not known; choose one of: {known}.",
            "required": f"{label} is missing; choose one of: {known}.",
        },
        **options,
    )


def _number(label: str, most: int) -> forms.IntegerField:
    """Empty is as it was; ``clean_number`` says what does not fit."""
    invalid = f"{label} must be a whole number of 1 to {most:,}."
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=1,
        max_value=most,
        error_messages={"invalid": invalid, "min_value": invalid, "max_value": invalid},
    )


class ScheduleForm(forms.Form):
    """Fields named ``arg-…`` are the task's choices; the others say when.

    Without a ``row`` for a new schedule of ``task``. With one its task may be unknown here (None),
    or its arguments none of its choices: they stay as they are then.
    """

    every = _choice("Rhythm", EVERY)
    minutes = _number("Number of minutes", MOST_MINUTES)
    weekday = _choice("Weekday", WEEKDAYS, required=False)
    day = forms.IntegerField(
        label="Day of the month",
        required=False,
        error_messages={"invalid": f"The day of the month is a number of 1 to {LAST_DAY}."},
    )
    time = forms.TimeField(
        required=False,
        error_messages={"invalid": "The time cannot be read; write it as 07:30."},
    )
    crontab = forms.CharField(max_length=300, required=False)
    zone = forms.CharField(
        max_length=63, error_messages={"required": "The zone is missing; write Europe/Berlin."}
    )
    misfire = _choice("Policy", dict(jobs.Misfire.choices), required=False)
    grace = _number("The lateness in seconds", MOST_GRACE)
    name = forms.CharField(max_length=200, required=False)

    def __init__(
        self,
        task: jobs.SchedulableTask | None,
        *args: Any,
        row: PeriodicTask | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.task, self.row = task, row
        self.before = times_of(row, settings.TIME_ZONE) if row else WEEKLY
        if self.before.rhythm == Rhythm.KEEP:
            self.fields["every"] = _choice("Rhythm", KEEP | EVERY)
        self._show(self.before)
        self._offer_choices()

    def _show(self, times: Times) -> None:
        rules = entry_of(self.row).rules if self.row else jobs.MisfireRules()
        initial = {
            "every": times.rhythm,
            "minutes": times.minutes,
            "weekday": times.weekday,
            "day": times.day,
            "time": times.at.strftime("%H:%M"),
            "crontab": " ".join(times.crontab),
            "zone": times.zone or settings.TIME_ZONE,
            "misfire": rules.misfire,
            "grace": round(rules.grace.total_seconds()),
            "name": self.row.name if self.row else "",
        }
        for name, value in initial.items():
            self.fields[name].initial = value

    def _offer_choices(self) -> None:
        given = kwargs_of(self.row) if self.row else {}
        choices = self.task.choices if self.task else {}
        self.offers_choices = self.row is None or (
            bool(choices) and all(given.get(name) in values for name, values in choices.items())
        )
        for keyword, values in choices.items() if self.offers_choices else ():
            label = keyword.replace("_", " ").capitalize()
            known = {value: value.capitalize() for value in values}
            first = given.get(keyword, values[0])
            self.fields[f"arg-{keyword}"] = _choice(label, known, initial=first)

    def argument_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("arg-")]

    # --- what does not fit -----------------------------------------------------------------------
    def clean_zone(self) -> str:
        zone = str(self.cleaned_data["zone"])
        if zone not in available_timezones():
            message = f"Zone “{zone}” is not known; write it as Europe/Berlin."
            raise forms.ValidationError(message)
        return zone

    def clean_day(self) -> int:
        day = self.cleaned_data["day"]
        day = 1 if day is None else int(day)
        if not 1 <= day <= LAST_DAY:
            message = f"Day {day} is not in every month; choose 1 to {LAST_DAY}."
            raise forms.ValidationError(message)
        return day

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if name and is_taken(name, but_for=self.row.pk if self.row else None):
            message = f"A schedule called “{name}” exists already; choose another name."
            raise forms.ValidationError(message)
        return name

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        rhythm = data.get("every")
        if rhythm == Rhythm.CRONTAB and "crontab" in data:
            try:
                data["fields"] = jobs.parse_crontab(data["crontab"])
            except jobs.BadCrontabError as error:
                self.add_error("crontab", str(error))
        needs_time = {Rhythm.HOUR, Rhythm.DAY, Rhythm.WEEK, Rhythm.MONTH}
        if rhythm in needs_time and "time" in data and data["time"] is None:
            self.add_error("time", "The time is missing; write it as 07:30.")
        return data

    # --- what was said ---------------------------------------------------------------------------
    def settings(self) -> Settings:
        data = self.cleaned_data
        return Settings(
            name=self._free_name(),
            times=self._times(),
            chosen=self._chosen() if self.offers_choices else None,
            misfire=data["misfire"] or self.fields["misfire"].initial,
            grace_seconds=data["grace"] or self.fields["grace"].initial,
        )

    def _times(self) -> Times:
        data = self.cleaned_data
        return Times(
            rhythm=Rhythm(data["every"]),
            minutes=data["minutes"] or self.before.minutes,
            at=data["time"] or self.before.at,
            weekday=data["weekday"] or self.before.weekday,
            day=data["day"],
            crontab=data.get("fields", ()),
            zone=data["zone"],
        )

    def _chosen(self) -> dict[str, str]:
        return {
            name.removeprefix("arg-"): self.cleaned_data[name]
            for name in self.fields
            if name.startswith("arg-")
        }

    def _free_name(self) -> str:
        """The name that was given, or the one it has, or one made of what was chosen."""
        if self.cleaned_data["name"]:
            return str(self.cleaned_data["name"])
        if self.row is not None:
            return str(self.row.name)
        label = self.task.label if self.task else ""
        base = ", ".join([label, *self._chosen().values()])[:180]
        names = [base, *(f"{base} ({number})" for number in range(2, 1000))]
        return next(name for name in names if not is_taken(name))
