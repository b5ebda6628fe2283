"""The scheduled reports: each day, week and month at 00:00, mailed to the subscribers."""

import json

from django.conf import settings
from django.db import migrations

TASK = "celery_uncovered.toyex.tasks.produce_hot_repo_report_task"
CRONTABS = {
    "day": {},
    "week": {"day_of_week": "1"},
    "month": {"day_of_month": "1"},
}
NAMES = {
    "day": "Daily hot repositories",
    "week": "Weekly hot repositories",
    "month": "Monthly hot repositories",
}


def create_schedules(apps, schema_editor):
    Crontab = apps.get_model("django_celery_beat", "CrontabSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    for period, name in NAMES.items():
        fields = {
            "minute": "0",
            "hour": "0",
            "day_of_week": "*",
            "day_of_month": "*",
            "month_of_year": "*",
            "timezone": settings.TIME_ZONE,
        }
        crontab, _ = Crontab.objects.get_or_create(**{**fields, **CRONTABS[period]})
        PeriodicTask.objects.get_or_create(
            name=name,
            defaults={
                "task": TASK,
                "crontab": crontab,
                "kwargs": json.dumps({"period": period, "group_by": "topic", "mail": True}),
                "description": "Mailed to the confirmed subscribers, with the CSV attached.",
            },
        )


def delete_schedules(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(
        name__in=NAMES.values()
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("toyex", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_schedules, delete_schedules)]
