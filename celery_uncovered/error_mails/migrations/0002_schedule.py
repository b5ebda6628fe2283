"""A look every ten minutes at what waits to be mailed, and at what is old; where the project has beat."""

from django.apps import apps as installed
from django.db import migrations

TASK = "celery_uncovered.error_mails.tasks.tend_error_mails"
NAME = "Error mails, tended"
BEAT = "django_celery_beat"


def create_schedule(apps, schema_editor):
    if not installed.is_installed(BEAT):
        return
    every, _ = apps.get_model(BEAT, "IntervalSchedule").objects.get_or_create(
        every=10, period="minutes"
    )
    apps.get_model(BEAT, "PeriodicTask").objects.get_or_create(
        name=NAME,
        defaults={
            "task": TASK,
            "interval": every,
            "description": "Mails what nobody has submitted, and removes what is old.",
        },
    )


def delete_schedule(apps, schema_editor):
    if installed.is_installed(BEAT):
        apps.get_model(BEAT, "PeriodicTask").objects.filter(name=NAME).delete()


class Migration(migrations.Migration):
    dependencies = [("error_mails", "0001_initial")]
    if installed.is_installed(BEAT):
        dependencies.append((BEAT, "0019_alter_periodictasks_options"))

    operations = [migrations.RunPython(create_schedule, delete_schedule)]
