
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('core', '0002_freezes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Risk',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.SlugField(max_length=60, unique=True)),
                ('title', models.CharField(max_length=200)),
                ('probability', models.CharField(choices=[('LOW', 'LOW'), ('MEDIUM', 'MEDIUM'), ('HIGH', 'HIGH'), ('CRITICAL', 'CRITICAL')], max_length=10)),
                ('impact', models.CharField(choices=[('LOW', 'LOW'), ('MEDIUM', 'MEDIUM'), ('HIGH', 'HIGH'), ('CRITICAL', 'CRITICAL')], max_length=10)),
                ('mitigations', models.JSONField(default=list)),
                ('owner', models.CharField(blank=True, max_length=120)),
                ('state', models.CharField(choices=[('open', 'open'), ('mitigated', 'mitigated'), ('accepted', 'accepted'), ('closed', 'closed')], default='open', max_length=10)),
                ('review_on', models.DateField(blank=True, null=True)),
                ('links', models.JSONField(blank=True, default=list)),
                ('version', models.PositiveIntegerField(default=1)),
            ],
            options={
                'ordering': ['id'],
                'permissions': [('register_risk', 'Can register risks and change them')],
            },
        ),
        migrations.CreateModel(
            name='Score',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('score', models.FloatField(null=True)),
                ('low', models.FloatField()),
                ('high', models.FloatField()),
                ('level', models.CharField(blank=True, choices=[('LOW', 'LOW'), ('MEDIUM', 'MEDIUM'), ('HIGH', 'HIGH'), ('CRITICAL', 'CRITICAL')], max_length=10)),
                ('factors', models.JSONField()),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='risk_scores', to='core.environment')),
            ],
            options={
                'verbose_name': 'risk score',
                'ordering': ['-at'],
                'constraints': [models.UniqueConstraint(fields=('environment', 'at'), name='score_once')],
            },
        ),
    ]
