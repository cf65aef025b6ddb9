import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_freezes"),
        ("monitoring", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rollup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("span", models.PositiveIntegerField(help_text="Seconds: 300 or 3600.")),
                ("start", models.BigIntegerField(help_text="Unix seconds, a multiple of `span`.")),
                ("n", models.BigIntegerField()),
                ("sum", models.FloatField()),
                ("min", models.FloatField()),
                ("max", models.FloatField()),
                ("last", models.FloatField()),
            ],
        ),
        migrations.CreateModel(
            name="Sketch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("span", models.PositiveIntegerField(help_text="Seconds: 10, 300 or 3600.")),
                ("start", models.BigIntegerField(help_text="Unix seconds, a multiple of `span`.")),
                ("writer", models.BigIntegerField()),
                ("cells", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="Total",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.FloatField()),
                ("state", models.JSONField(default=dict, help_text="Of a histogram: its count and cells.")),
                ("origin", models.FloatField(null=True)),
                ("at", models.FloatField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="series",
            name="series_once",
        ),
        migrations.AddField(
            model_name="bucket",
            name="last",
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name="series",
            name="source",
            field=models.CharField(default="json", max_length=60),
        ),
        migrations.AlterField(
            model_name="series",
            name="kind",
            field=models.CharField(
                choices=[("counter", "counter"), ("timing", "timing"), ("gauge", "gauge")], max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="series",
            constraint=models.UniqueConstraint(fields=("environment", "source", "digest"), name="series_once"),
        ),
        migrations.AddField(
            model_name="rollup",
            name="series",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="rollups", to="monitoring.series"
            ),
        ),
        migrations.AddField(
            model_name="sketch",
            name="series",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="sketches", to="monitoring.series"
            ),
        ),
        migrations.AddField(
            model_name="total",
            name="series",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.CASCADE, related_name="running_total", to="monitoring.series"
            ),
        ),
        migrations.AddIndex(
            model_name="rollup",
            index=models.Index(fields=["span", "start"], name="rollup_by_time"),
        ),
        migrations.AddConstraint(
            model_name="rollup",
            constraint=models.UniqueConstraint(fields=("series", "span", "start"), name="rollup_once"),
        ),
        migrations.AddIndex(
            model_name="sketch",
            index=models.Index(fields=["span", "start"], name="sketch_by_time"),
        ),
        migrations.AddConstraint(
            model_name="sketch",
            constraint=models.UniqueConstraint(fields=("series", "span", "start", "writer"), name="sketch_once"),
        ),
    ]
