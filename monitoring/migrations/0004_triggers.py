import monitoring.models.trigger
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_freezes"),
        ("monitoring", "0003_catalogue"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="trigger",
            options={
                "ordering": ["environment__position", "key"],
                "permissions": [
                    ("rearm_trigger", "Can re-arm a trigger that has fired"),
                    ("define_trigger", "Can change when a trigger fires and what it does"),
                ],
            },
        ),
        migrations.AddField(
            model_name="judgement",
            name="code_version",
            field=models.CharField(blank=True, max_length=20),
        ),
        migrations.AddField(
            model_name="judgement",
            name="detail",
            field=models.JSONField(
                blank=True, default=dict, help_text="What else it was judged by: p95, expected, e-value."
            ),
        ),
        migrations.AddField(
            model_name="judgement",
            name="query",
            field=models.JSONField(blank=True, default=dict, help_text="The sources it read and what it carried; the rule where it breached, else the history has that."),
        ),
        migrations.AddField(
            model_name="trigger",
            name="actions",
            field=models.JSONField(default=monitoring.models.trigger.rollback_alone),
        ),
        migrations.AddField(
            model_name="trigger",
            name="alpha",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="trigger",
            name="clear_threshold",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="trigger",
            name="cooldown",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="trigger",
            name="cooling_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="trigger",
            name="detail",
            field=models.JSONField(blank=True, default=dict, help_text="More numbers of the last window."),
        ),
        migrations.AddField(
            model_name="trigger",
            name="factor",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="trigger",
            name="observe",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="trigger",
            name="percentile",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="trigger",
            name="phase",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name="trigger",
            name="progress",
            field=models.JSONField(blank=True, default=dict, help_text="What judging carries from window to window."),
        ),
        migrations.AlterField(
            model_name="trigger",
            name="measure",
            field=models.CharField(
                choices=[
                    ("ratio", "ratio"),
                    ("mean", "mean"),
                    ("count", "count"),
                    ("distinct", "distinct"),
                    ("drop", "drop"),
                    ("rise", "rise"),
                    ("canary", "canary"),
                    ("start", "start"),
                ],
                max_length=10,
            ),
        ),
    ]
