from django.db import migrations

#: What Django makes for each text that is a key, for searches by LIKE. Ours look into other columns as
#: well, and cannot use it; a run changes its state several times, and each time cost a row in it.
NAME = "workflows_run_id_f6d3e90d_like"


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {NAME}")


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"CREATE INDEX {NAME} ON workflows_run (id varchar_pattern_ops)")


class Migration(migrations.Migration):

    dependencies = [
        ("workflows", "0003_sent_again_at"),
    ]

    operations = [
        migrations.RunPython(drop, make),
    ]
