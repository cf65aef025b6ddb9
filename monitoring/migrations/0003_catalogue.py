import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_freezes"),
        ("monitoring", "0002_store"),
    ]

    operations = [
        migrations.CreateModel(
            name="Metric",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=100, unique=True)),
                ("title", models.CharField(max_length=120)),
                ("unit", models.CharField(blank=True, help_text="%, ms, s, TPS; empty for a count.", max_length=20)),
                ("meaning", models.TextField()),
                ("group", models.CharField(max_length=60)),
                ("query", models.TextField(blank=True)),
                ("owner", models.CharField(max_length=120)),
                (
                    "better",
                    models.CharField(
                        blank=True, choices=[("lower", "lower"), ("higher", "higher"), ("", "neither")], max_length=6
                    ),
                ),
                ("warning", models.FloatField(blank=True, null=True)),
                ("critical", models.FloatField(blank=True, null=True)),
                ("position", models.PositiveIntegerField()),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="Why its query could not be evaluated last.", max_length=500
                    ),
                ),
            ],
            options={
                "verbose_name": "metric",
                "ordering": ["position"],
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.SlugField(max_length=60)),
                ("name", models.CharField(max_length=120)),
                ("kind", models.CharField(choices=[("prometheus", "Prometheus")], default="prometheus", max_length=12)),
                ("url", models.URLField(max_length=500)),
                (
                    "auth",
                    models.CharField(
                        choices=[("none", "none"), ("bearer", "bearer token"), ("basic", "user and password")],
                        default="none",
                        max_length=8,
                    ),
                ),
                ("timeout", models.FloatField(default=5)),
                ("interval", models.PositiveIntegerField(default=10)),
                ("queries", models.JSONField(blank=True, default=dict)),
                ("enabled", models.BooleanField(default=True)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lease",
                    models.CharField(
                        blank=True, help_text="Who pulls now; whoever has another lost it.", max_length=40
                    ),
                ),
                ("tried_at", models.DateTimeField(blank=True, null=True)),
                ("ok_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("error", models.CharField(blank=True, max_length=500)),
                (
                    "problems",
                    models.JSONField(
                        blank=True, default=dict, help_text="By metric: what was wrong with its last answer."
                    ),
                ),
                ("samples", models.PositiveIntegerField(default=0, help_text="Of the last pull.")),
                ("took_ms", models.FloatField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "data source",
                "permissions": [("ask_source", "Can ask a data source now")],
                "ordering": ["environment__position", "key"],
            },
        ),
        migrations.AddField(
            model_name="source",
            name="environment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="sources", to="core.environment"
            ),
        ),
        migrations.AddConstraint(
            model_name="source",
            constraint=models.UniqueConstraint(fields=("environment", "key"), name="source_once"),
        ),
    ]
