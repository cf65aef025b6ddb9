"""The pages of the alerts."""

from alerting.admin import alerts, rules, silences, troubles

__all__ = ["alerts", "rules", "silences", "troubles"]
