import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_freezes"),
        ("monitoring", "0004_triggers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Complaint",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("failed_payment", "failed payment"),
                            ("wrong_balance", "wrong balance"),
                            ("slow", "slow"),
                            ("unavailable", "unavailable"),
                            ("other", "other"),
                        ],
                        max_length=20,
                    ),
                ),
                ("npub", models.CharField(max_length=200)),
                ("text", models.TextField(blank=True)),
                (
                    "flag_key",
                    models.CharField(
                        blank=True, help_text="The feature it is about, where that is known.", max_length=100
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=100)),
                ("at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                ("received_by", models.CharField(max_length=150)),
            ],
            options={
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ErrorEpisode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "severity",
                    models.CharField(
                        choices=[("CRITICAL", "CRITICAL"), ("HIGH", "HIGH"), ("MEDIUM", "MEDIUM"), ("LOW", "LOW")],
                        max_length=10,
                    ),
                ),
                ("feature", models.CharField(blank=True, max_length=100)),
                ("variant", models.CharField(blank=True, max_length=100)),
                ("count", models.PositiveBigIntegerField(default=0)),
                (
                    "counted_until",
                    models.BigIntegerField(help_text="Unix seconds; the end of the last bucket that was counted."),
                ),
                ("first_seen", models.DateTimeField()),
                ("last_seen", models.DateTimeField()),
                ("resolved_at", models.DateTimeField(blank=True, null=True)),
                ("resolved_by", models.CharField(blank=True, max_length=150)),
                ("note", models.TextField(blank=True)),
            ],
            options={
                "verbose_name": "error",
                "ordering": ["-first_seen", "-id"],
                "permissions": [("resolve_errorepisode", "Can say that errors are resolved")],
            },
        ),
        migrations.AddField(
            model_name="complaint",
            name="environment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="complaints", to="core.environment"
            ),
        ),
        migrations.AddField(
            model_name="errorepisode",
            name="environment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="error_episodes", to="core.environment"
            ),
        ),
        migrations.AddIndex(
            model_name="complaint",
            index=models.Index(fields=["environment", "at"], name="complaint_by_time"),
        ),
        migrations.AddConstraint(
            model_name="complaint",
            constraint=models.UniqueConstraint(
                condition=models.Q(("key", ""), _negated=True), fields=("environment", "key"), name="complaint_once"
            ),
        ),
        migrations.AddIndex(
            model_name="errorepisode",
            index=models.Index(fields=["environment", "first_seen"], name="error_by_time"),
        ),
        migrations.AddConstraint(
            model_name="errorepisode",
            constraint=models.UniqueConstraint(
                condition=models.Q(("resolved_at", None)),
                fields=("environment", "severity", "feature", "variant"),
                name="error_open_once",
            ),
        ),
    ]
