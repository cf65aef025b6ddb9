"""Figures as programs read them: the API and the command line."""

from __future__ import annotations

from typing import Any

from kpis.domain.definition import Definition
from kpis.domain.figure import Figure
from kpis.domain.formula import SOURCES, formula
from kpis.domain.trend import trend
from kpis.models import OutsideFigure


def brief(figure: Figure) -> dict[str, Any]:
    """The figure, and whether its target is met."""
    found = trend(figure, figure.before)
    return {
        "key": figure.key,
        "name": figure.definition.name,
        "group": figure.definition.group,
        "owner": figure.definition.owner,
        "target": figure.target.text,
        "unit": figure.target.unit,
        "better": figure.target.better.value,
        **point(figure),
        "counted": figure.definition.counted,
        "sure": figure.sure,
        "start": figure.period.start,
        "end": figure.period.end,
        "measured_at": figure.measured_at,
        "trend": found.direction.value,
        "trend_sentence": found.sentence,
    }


def point(figure: Figure) -> dict[str, Any]:
    """The figure alone, as a history has it."""
    return {
        "status": figure.status.value,
        "value": figure.value,
        "low": figure.low,
        "high": figure.high,
        "n": figure.n,
        "why": figure.why,
    }


def defined(definition: Definition) -> dict[str, Any]:
    """How it is computed."""
    return {
        "meaning": definition.meaning,
        "formula": formula(definition),
        "source": SOURCES[definition.measure],
        "window_days": definition.window,
        "min_samples": definition.min_samples,
        "from_outside": definition.measure.from_outside,
    }


def reported(row: OutsideFigure) -> dict[str, Any]:
    """A figure from outside, with who gave it."""
    return {
        "number": row.pk,
        "kpi": row.kpi.key,
        "start": row.start,
        "end": row.end,
        "baseline": row.baseline,
        "current": row.current,
        "note": row.note,
        "reported_by": row.reported_by,
        "reported_at": row.reported_at,
        "superseded_at": row.superseded_at,
    }
