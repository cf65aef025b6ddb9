from django.db import migrations, models

TYPES = [
    "FEATURE_EMERGENCY_DISABLED",
    "FEATURE_ROLLBACK",
    "TRIGGER_FIRED",
    "ALERT_FIRING",
    "ALERT_RESOLVED",
    "ALERT_NO_DATA",
    "METRICS_SILENT",
    "METRICS_HEARD",
    "ERRORS_OPENED",
    "RISK_RAISED",
    "SOURCE_FAILED",
]
SEVERITIES = ["critical", "high", "warning", "info"]


class Migration(migrations.Migration):
    dependencies = [("communications", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="alert",
            name="severity",
            field=models.CharField(choices=[(one, one) for one in SEVERITIES], max_length=10),
        ),
        migrations.AlterField(
            model_name="alert",
            name="type",
            field=models.CharField(choices=[(one, one.replace("_", " ")) for one in TYPES], max_length=40),
        ),
    ]
