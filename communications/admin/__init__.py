"""The screens of the alerts."""

from communications.admin.alerts import AlertAdmin

__all__ = ["AlertAdmin"]
