from __future__ import annotations

from decimal import Decimal

from django.core.validators import RegexValidator
from django.db import models

from core.choices import choices
from flags.domain.bucketing import Bucketing
from flags.domain.keys import KEY_HELP, KEY_PATTERN
from flags.domain.values import ValueType


class Flag(models.Model):
    """A feature that can be on for some npubs and off for others. Its state is kept per environment.

    `bucketing`, `salt` and `group` decide which npubs come first: a change of them moves users. Flags with the
    same `group` share their buckets. `variants` are `[{"key", "value"}, ...]`, all values of `value_type`; a
    boolean flag without any has the variants on and off. `value_schema` and `parameter_schema` are JSON Schemas,
    empty for none. An archived flag is off everywhere and in no list; its history stays.
    """

    key = models.CharField(max_length=100, unique=True, validators=[RegexValidator(KEY_PATTERN, KEY_HELP)])
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    bucketing = models.CharField(max_length=10, choices=choices(Bucketing), default=Bucketing.MURMUR3.value)
    salt = models.CharField(max_length=64, blank=True, help_text="Only murmur3 uses it.")
    group = models.CharField(max_length=64, blank=True)
    value_type = models.CharField(max_length=10, choices=choices(ValueType), default=ValueType.BOOLEAN.value)
    variants = models.JSONField(default=list, blank=True)
    value_schema = models.JSONField(default=dict, blank=True)
    parameter_schema = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)
    archived_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key


class FlagState(models.Model):
    """What a flag does in one environment.

    Off: `enabled` is false; nobody has the feature. On: the allow-list, then `percentage` decide.
    `disabled_*` tell of an emergency disable or a rollback that has not been undone by a person yet;
    `rollback_*` only of a rollback. `version` goes up by one with each change; `allow_version` with each
    change of the allow-list (`deny_version`: of the deny-list), so that a process reloads a long list only when it
    changed. `configuration` is the version of the environment's configuration that brought the last change.
    `targeting` is what `flags.domain.targeting` reads: prerequisites, rules, and what is served.
    """

    flag = models.ForeignKey("flags.Flag", on_delete=models.CASCADE, related_name="states")
    environment = models.ForeignKey("core.Environment", on_delete=models.PROTECT, related_name="flag_states")
    enabled = models.BooleanField(default=False)
    percentage = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(0))
    parameters = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    allow_version = models.PositiveIntegerField(default=0)
    allow_count = models.PositiveIntegerField(default=0)
    deny_version = models.PositiveIntegerField(default=0)
    deny_count = models.PositiveIntegerField(default=0)
    targeting = models.JSONField(default=dict, blank=True)
    configuration = models.PositiveBigIntegerField(default=0)
    changed_at = models.DateTimeField()
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_by = models.CharField(max_length=150, blank=True)
    disabled_reason = models.TextField(blank=True)
    rollback_id = models.CharField(max_length=40, blank=True)
    rollback_at = models.DateTimeField(null=True, blank=True)
    rollback_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["environment__position", "flag__key"]
        verbose_name = "flag"  # in lists, which are about one environment
        constraints = [
            models.UniqueConstraint(fields=["flag", "environment"], name="flag_state_one_per_environment"),
            models.CheckConstraint(
                condition=models.Q(percentage__gte=0, percentage__lte=100), name="flag_state_percentage_0_to_100"
            ),
        ]
        permissions = [
            ("operate_flagstate", "Can change what a flag does, and disable it in an emergency"),
        ]

    def __str__(self) -> str:
        return f"{self.flag} in {self.environment}"


class ListedUser(models.Model):
    """An npub on a list of one flag in one environment."""

    npub = models.CharField(max_length=200)

    class Meta:
        abstract = True
        ordering = ["id"]

    def __str__(self) -> str:
        return self.npub


class AllowedUser(ListedUser):
    """An npub that has the feature whenever the flag is enabled (the seed's `allowedUsers`)."""

    state = models.ForeignKey("flags.FlagState", on_delete=models.CASCADE, related_name="allowed_users")

    class Meta(ListedUser.Meta):
        constraints = [models.UniqueConstraint(fields=["state", "npub"], name="allowed_user_once")]


class DeniedUser(ListedUser):
    """An npub that never has the feature, whatever allow-list, rules and percentage say."""

    state = models.ForeignKey("flags.FlagState", on_delete=models.CASCADE, related_name="denied_users")

    class Meta(ListedUser.Meta):
        constraints = [models.UniqueConstraint(fields=["state", "npub"], name="denied_user_once")]
