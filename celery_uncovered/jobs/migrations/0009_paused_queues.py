from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0008_queues_of_workers'),
    ]

    operations = [
        migrations.CreateModel(
            name='PausedQueue',
            fields=[
                ('queue', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('by', models.CharField(blank=True, max_length=255)),
                ('reason', models.CharField(blank=True, max_length=255)),
                ('resumed_at', models.DateTimeField(null=True)),
            ],
        ),
    ]
