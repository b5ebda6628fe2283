from django.db import migrations

#: What Django makes for each text that is a key, for searches by LIKE. Ours look into other columns as
#: well, and cannot use it.
NAME = "jobs_job_id_e5bc7a75_like"


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {NAME}")


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"CREATE INDEX {NAME} ON jobs_job (id varchar_pattern_ops)")


class Migration(migrations.Migration):

    dependencies = [
        ("jobs", "0003_dead_letters_and_set_aside"),
    ]

    operations = [
        migrations.RunPython(drop, make),
    ]
