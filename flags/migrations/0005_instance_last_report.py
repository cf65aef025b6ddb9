from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0004_instance_stopped_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="instance",
            name="last_report",
            field=models.CharField(blank=True, help_text="Its id: sent again, it counts once.", max_length=36),
        ),
    ]
