"""The smallest playbook that has one of everything, and ways to load it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from core.actors import Actor, ActorKind
from nctool_rollout.playbook import loading
from nctool_rollout.playbook.plan import Decision
from nctool_rollout.playbook.validation import load_text

SMALL = """\
playbook: 1
name: small
deploymentConfig:
  version: "1"
  features:
    sending:
      name: Sending
      bucketing: js31
      allowedUsers: [npub1a, npub1b]
      parameters:
        threshold: HIGH
        limits: {daily: 5}
environments:
  lab:
    name: Lab
  live:
    name: Live
    protected: true
    flags:
      sending:
        enabled: true
        rolloutPercentage: 10
ramps:
  slow:
    name: Slow
    flag: sending
    steps:
      - {label: "1.1", week: 1, percentage: 20}
      - {label: "1.2", week: 1, day: 3, percentage: 100}
triggers:
  errors:
    name: Errors
    environments: [live]
    measure: ratio
    numerator: {metric: errors_total}
    denominator: {metric: all_total, labels: {variant: "on"}}
    threshold: 5
    windowSeconds: 10
    maxWindowSeconds: 300
    minSamples: 20
    target: flag
    flag: sending
"""
LOADER = Actor("lena", ActorKind.COMMAND)


def edited(*changes: tuple[str, str]) -> str:
    """SMALL with these texts replaced; each must be there once."""
    text = SMALL
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


Load = Callable[..., dict[tuple[str, ...], Decision]]


@pytest.fixture
def load(db: None, now: datetime) -> Load:
    """Load a text; the decisions by item, those that are not `same`."""

    def _load(text: str = SMALL) -> dict[tuple[str, ...], Decision]:
        playbook, source = load_text(text, file="small.yaml")
        decisions = loading.load(playbook, source, actor=LOADER, now=now, file="small.yaml")
        assert decisions is not None
        return {decision.item: decision for decision in decisions if decision.outcome != "same"}

    return _load
