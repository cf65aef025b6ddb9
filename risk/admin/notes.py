"""Where the events of the risk lead."""

from __future__ import annotations

from django.urls import reverse

from core import beside

SCORE = "score"  # the subject of what the assessments tell; every other one is a risk of the register


def page_of(key: str, environment: str) -> str:
    if key == SCORE:
        return reverse("admin:risk_score_in", args=[environment]) if environment else ""
    return reverse("admin:risk_risk_of", args=[key])


beside.add_page("risk", page_of)
