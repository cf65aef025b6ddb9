import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_freezes"),
        ("rollouts", "0002_approving_request"),
    ]

    operations = [
        migrations.CreateModel(
            name="ValidationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField()),
                ("started_by", models.CharField(max_length=150)),
                (
                    "started_by_kind",
                    models.CharField(
                        choices=[
                            ("person", "person"),
                            ("token", "token"),
                            ("command", "command"),
                            ("machine", "machine"),
                        ],
                        max_length=10,
                    ),
                ),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("success", models.BooleanField(null=True)),
                ("results", models.JSONField(default=dict)),
                ("lease", models.CharField(max_length=40)),
                ("lease_until", models.DateTimeField()),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="validations", to="core.environment"
                    ),
                ),
            ],
            options={
                "verbose_name": "validation",
                "ordering": ["-started_at", "-id"],
                "permissions": [("run_validation", "Can run a validation")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished_at", None)), fields=("environment",), name="validation_runs_once"
                    )
                ],
            },
        ),
    ]
