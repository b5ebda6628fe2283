"""Each minute payments that do not get on are looked after."""

from django.db import migrations

TASKS = "celery_uncovered.tricks.payments.tasks"
SCHEDULES = {
    "Forgotten payments": {
        "task": f"{TASKS}.submit_forgotten_payments",
        "description": "Accepted payments that have no live job get one.",
    },
    "Hanging payments": {
        "task": f"{TASKS}.settle_hanging_payments",
        "description": "The gateway is asked about payments that it may have charged.",
    },
}


def create_schedules(apps, schema_editor):
    Interval = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    interval = Interval.objects.filter(every=1, period="minutes").first()
    interval = interval or Interval.objects.create(every=1, period="minutes")
    for name, fields in SCHEDULES.items():
        PeriodicTask.objects.get_or_create(name=name, defaults={**fields, "interval": interval})


def delete_schedules(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(
        name__in=SCHEDULES
    ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("tricks", "0001_payment"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(create_schedules, delete_schedules)]
