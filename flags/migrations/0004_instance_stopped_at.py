from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("flags", "0003_asked"),
    ]

    operations = [
        migrations.AddField(
            model_name="instance",
            name="stopped_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
