"""The admin of the reports."""

from reports.admin import walls

__all__ = ["walls"]
