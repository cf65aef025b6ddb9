"""The doors of the alerts for machines."""

from __future__ import annotations

from ninja import Router

router = Router()
