"""The pages of the alerts."""

from alerting.admin import alerts, rules, silences

__all__ = ["alerts", "rules", "silences"]
