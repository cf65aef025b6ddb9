
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('core', '0002_freezes'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('group', models.CharField(default='alerts', max_length=120)),
                ('position', models.PositiveIntegerField(default=0)),
                ('expr', models.TextField()),
                ('condition', models.CharField(blank=True, max_length=500)),
                ('for_seconds', models.PositiveIntegerField(default=0)),
                ('keep_firing_seconds', models.PositiveIntegerField(default=0)),
                ('severity', models.CharField(max_length=20)),
                ('labels', models.JSONField(blank=True, default=dict)),
                ('annotations', models.JSONField(blank=True, default=dict)),
                ('runbook_url', models.URLField(blank=True, max_length=500)),
                ('enabled', models.BooleanField(default=True)),
                ('origin', models.CharField(choices=[('playbook', 'playbook'), ('imported', 'imported'), ('person', 'person')], default='person', max_length=10)),
                ('version', models.PositiveIntegerField(default=1)),
                ('health', models.CharField(choices=[('ok', 'ok'), ('no_data', 'no data'), ('error', 'error'), ('unknown', 'unknown')], default='unknown', max_length=10)),
                ('evaluated_at', models.DateTimeField(blank=True, null=True)),
                ('no_data_since', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alert_rules', to='core.environment')),
            ],
            options={
                'verbose_name': 'alert rule',
                'ordering': ['environment__position', 'group', 'position', 'name'],
                'permissions': [('define_alertrule', 'Can make and change alert rules')],
            },
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('via', models.CharField(choices=[('rules', 'rules'), ('alertmanager', 'alertmanager'), ('prometheus', 'prometheus')], default='rules', max_length=12)),
                ('fingerprint', models.CharField(max_length=64)),
                ('name', models.CharField(max_length=120)),
                ('severity', models.CharField(blank=True, max_length=20)),
                ('labels', models.JSONField(default=dict)),
                ('annotations', models.JSONField(default=dict)),
                ('generator_url', models.CharField(blank=True, max_length=2000)),
                ('state', models.CharField(choices=[('pending', 'pending'), ('firing', 'firing'), ('resolved', 'resolved')], max_length=10)),
                ('value', models.FloatField(blank=True, null=True)),
                ('starts_at', models.DateTimeField(help_text='When the condition began to hold.')),
                ('fired_at', models.DateTimeField(blank=True, null=True)),
                ('last_true_at', models.DateTimeField(blank=True, null=True)),
                ('absent_since', models.DateTimeField(blank=True, null=True)),
                ('ends_at', models.DateTimeField(blank=True, help_text='Of one from outside: resolved then, if not renewed.', null=True)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ("told_at", models.DateTimeField(blank=True, help_text="When people were alerted; empty: silenced so far.", null=True)),
                ("resolution", models.CharField(blank=True, help_text="Why it is resolved, where a person or a change did it.", max_length=300)),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_by', models.CharField(blank=True, max_length=150)),
                ('comment', models.TextField(blank=True)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='raised_alerts', to='core.environment')),
                ('rule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='raised_alerts', to='alerting.alertrule')),
            ],
            options={
                'ordering': ['-starts_at', '-id'],
                'permissions': [('acknowledge_alert', 'Can acknowledge alerts and silence them')],
            },
        ),
        migrations.CreateModel(
            name='Received',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('via', models.CharField(choices=[('rules', 'rules'), ('alertmanager', 'alertmanager'), ('prometheus', 'prometheus')], max_length=12)),
                ('body', models.JSONField()),
                ('at', models.DateTimeField(db_index=True)),
                ('by', models.CharField(max_length=150)),
                ('done_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='core.environment')),
            ],
            options={
                'ordering': ['-at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Silence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('matchers', models.JSONField()),
                ('reason', models.TextField()),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('created_by', models.CharField(max_length=150)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.CharField(blank=True, max_length=150)),
                ('environment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='silences', to='core.environment')),
            ],
            options={
                'ordering': ['-starts_at', '-id'],
            },
        ),
        migrations.AddConstraint(
            model_name='alertrule',
            constraint=models.UniqueConstraint(fields=('environment', 'group', 'name'), name='alert_rule_once'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['environment', 'state'], name='alert_by_state'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'resolved'), _negated=True), fields=('environment', 'via', 'fingerprint'), name='alert_open_once'),
        ),
        migrations.AddIndex(
            model_name='silence',
            index=models.Index(fields=['environment', 'ends_at'], name='silence_by_end'),
        ),
    ]
