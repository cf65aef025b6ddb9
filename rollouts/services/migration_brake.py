"""While the guard has seen something in an environment, no migration goes on there."""

from __future__ import annotations

import monitoring.selectors


def fired(environment: str) -> str:
    """Which trigger has fired there and was not re-armed, in a sentence; empty when none has."""
    latched = monitoring.selectors.latched(environment).first()
    return f"Trigger {latched.name} has fired: the run waits until a person re-arms it." if latched else ""
