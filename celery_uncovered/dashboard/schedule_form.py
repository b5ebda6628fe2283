"""The form of a new schedule: a task's own choices, and a time in simple fields."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings

from celery_uncovered.dashboard.timetable import Times, is_taken
from celery_uncovered.jobs import api as jobs

EVERY = {"day": "Day", "week": "Week", "month": "Month"}
WEEKDAYS = {
    "1": "Monday",
    "2": "Tuesday",
    "3": "Wednesday",
    "4": "Thursday",
    "5": "Friday",
    "6": "Saturday",
    "0": "Sunday",
}
#: The last day that every month has.
LAST_DAY = 28


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


class ScheduleForm(forms.Form):
    """Fields named ``arg-…`` are the task's choices; the others say when."""

    every = _choice("Rhythm", EVERY, initial="week")
    weekday = _choice("Weekday", WEEKDAYS, initial="1", required=False)
    day = forms.IntegerField(label="Day of the month", initial=1, required=False)
    time = forms.TimeField(
        initial="00:00",
        error_messages={
            "invalid": "The time cannot be read; write it as 07:30.",
            "required": "The time is missing; write it as 07:30.",
        },
    )
    zone = forms.CharField(
        max_length=63, error_messages={"required": "The zone is missing; write Europe/Berlin."}
    )
    name = forms.CharField(max_length=200, required=False)

    def __init__(self, task: jobs.SchedulableTask, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.task = task
        self.fields["zone"].initial = settings.TIME_ZONE
        for keyword, values in task.choices.items():
            label = keyword.replace("_", " ").capitalize()
            choices = {value: value.capitalize() for value in values}
            self.fields[f"arg-{keyword}"] = _choice(label, choices, initial=values[0])

    def argument_fields(self) -> list[forms.BoundField]:
        return [self[f"arg-{keyword}"] for keyword in self.task.choices]

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
        if name and is_taken(name):
            message = f"A schedule called “{name}” exists already; choose another name."
            raise forms.ValidationError(message)
        return name

    def chosen(self) -> dict[str, str]:
        return {keyword: self.cleaned_data[f"arg-{keyword}"] for keyword in self.task.choices}

    def times(self) -> Times:
        data = self.cleaned_data
        return Times(
            minute=data["time"].minute,
            hour=data["time"].hour,
            day_of_week=data["weekday"] or "1" if data["every"] == "week" else "*",
            day_of_month=str(data["day"]) if data["every"] == "month" else "*",
            zone=data["zone"],
        )

    def free_name(self) -> str:
        """The name that was given, or one made of what was chosen."""
        if self.cleaned_data["name"]:
            return str(self.cleaned_data["name"])
        base = ", ".join([self.task.label, *self.chosen().values()])
        names = [base, *(f"{base} ({number})" for number in range(2, 1000))]
        return next(name for name in names if not is_taken(name))
