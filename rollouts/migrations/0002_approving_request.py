from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rollouts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="ramp",
            name="request",
            field=models.PositiveBigIntegerField(
                blank=True,
                help_text="The change request that approved it as a whole; empty: nobody was asked.",
                null=True,
            ),
        ),
    ]
