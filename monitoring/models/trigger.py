from __future__ import annotations

from django.db import models

from core.choices import choices
from monitoring.domain.verdict import Measure, Target, TriggerState, Verdict


def rollback_alone() -> list[str]:
    return ["rollback"]


class Trigger(models.Model):
    """A rule that acts by itself (seed: Automated Rollback Triggers, and the rollback triggers of the phases).

    Armed: judges its windows and fires after `consecutive` breaches in a row. Latched: has fired, and
    does nothing until a person re-arms it. `numerator` and `denominator` each select series:
    `{"metric": name, "labels": {…}, "source": key}`. Times are seconds.

    `actions`, in their order, are what it does: `notify`, `pause` (ramps), `rollback`, `freeze`. With `observe` it
    only says what it would have done. `percentile` (95) of a mean must be above the threshold as well. Once it
    breached, it passes again only below `clear_threshold`. Re-armed, it fires again after `cooldown` at the earliest.
    `alpha` and `factor` belong to the canary: how often in a life it may err, and how many times the control's rate
    are still fine. A `phase` names the part of the strategy it belongs to.
    """

    key = models.SlugField(max_length=60)
    environment = models.ForeignKey("core.Environment", on_delete=models.CASCADE, related_name="triggers")
    name = models.CharField(max_length=120)
    measure = models.CharField(max_length=10, choices=choices(Measure))
    numerator = models.JSONField()
    denominator = models.JSONField(default=dict, blank=True)
    threshold = models.FloatField(help_text="Percent for a ratio or a drop, milliseconds for a mean, else a count.")
    window = models.PositiveIntegerField(help_text="Seconds; a multiple of ten.")
    max_window = models.PositiveIntegerField(help_text="A window waits this long for its minimum sample.")
    min_samples = models.PositiveIntegerField()
    consecutive = models.PositiveSmallIntegerField()
    target = models.CharField(max_length=12, choices=choices(Target))
    flag_key = models.CharField(max_length=100, blank=True)
    enabled = models.BooleanField(default=True)
    actions = models.JSONField(default=rollback_alone)
    observe = models.BooleanField(default=False)
    percentile = models.PositiveSmallIntegerField(default=0)
    clear_threshold = models.FloatField(null=True, blank=True)
    cooldown = models.PositiveIntegerField(default=0)
    alpha = models.FloatField(null=True, blank=True)
    factor = models.FloatField(null=True, blank=True)
    phase = models.CharField(max_length=60, blank=True)

    state = models.CharField(max_length=10, choices=choices(TriggerState), default=TriggerState.ARMED.value)
    judged_until = models.BigIntegerField(default=0, help_text="Unix seconds; the end of the last window.")
    armed_from = models.BigIntegerField(default=0, help_text="Unix seconds; a count counts nothing before it.")
    verdict = models.CharField(max_length=12, choices=choices(Verdict), default=Verdict.NO_DATA.value)
    judged_at = models.DateTimeField(null=True, blank=True)
    value = models.FloatField(null=True, blank=True)
    samples = models.PositiveBigIntegerField(default=0)
    breaches = models.PositiveIntegerField(default=0)
    passing_since = models.DateTimeField(null=True, blank=True)
    latched_at = models.DateTimeField(null=True, blank=True)
    cooling_until = models.DateTimeField(null=True, blank=True)
    progress = models.JSONField(default=dict, blank=True, help_text="What judging carries from window to window.")
    detail = models.JSONField(default=dict, blank=True, help_text="More numbers of the last window.")
    evidence = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["environment__position", "key"]
        constraints = [models.UniqueConstraint(fields=["environment", "key"], name="trigger_once")]
        permissions = [
            ("rearm_trigger", "Can re-arm a trigger that has fired"),
            ("define_trigger", "Can change when a trigger fires and what it does"),
        ]

    def __str__(self) -> str:
        return self.name


class Judgement(models.Model):
    """One judged window with the numbers that led to its verdict, so that it can be replayed."""

    trigger = models.ForeignKey("monitoring.Trigger", on_delete=models.CASCADE, related_name="judgements")
    window_start = models.BigIntegerField()
    window_end = models.BigIntegerField()
    verdict = models.CharField(max_length=12, choices=choices(Verdict))
    value = models.FloatField(null=True)
    samples = models.PositiveBigIntegerField()
    threshold = models.FloatField()
    detail = models.JSONField(default=dict, blank=True, help_text="What else it was judged by: p95, expected, e-value.")
    query = models.JSONField(
        default=dict,
        blank=True,
        help_text="The sources it read and what it carried; the rule where it breached, else the history has that.",
    )
    code_version = models.CharField(max_length=20, blank=True)
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-window_end"]
        constraints = [models.UniqueConstraint(fields=["trigger", "window_end"], name="window_judged_once")]

    def __str__(self) -> str:
        return f"{self.verdict} {self.window_end}"
