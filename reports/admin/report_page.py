"""The page of one report, and the same for paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import Http404
from django.urls import NoReverseMatch, reverse

from core.admin.read_only import Screen
from core.errors import NotFound
from reports.admin import words
from reports.admin.commands import offered
from reports.domain.measures import TITLES, Section
from reports.domain.rules import LINKS, Urgency
from reports.domain.sentences import Direction
from reports.domain.states import RemarkKind
from reports.models import Report
from reports.selectors import reports
from reports.selectors.tables import TABLES

VIEW = "reports.view_report"
NEWEST = 60


class ReportPage(Screen):
    permission_required = VIEW
    template_name = "reports/report.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        row = find(self.kwargs["pk"])
        self.title = f"Report of {row.title}"
        context = super().get_context_data(row=row, **kwargs)
        remarks = list(reports.remarks(row))
        signed = [each for each in remarks if each.kind == RemarkKind.SIGN_OFF]
        name = self.request.user.get_username()
        commands = offered(row, self.request.user, any(each.author == name for each in signed))
        return (
            context
            | shown(row)
            | {
                "remarks": [each for each in remarks if each.kind == RemarkKind.COMMENT],
                "signed": signed,
                "state": words.LOOK[row.state],  # type: ignore[index]  # a str as its enum
                "buttons": [
                    (reverse(f"admin:reports_{each.name}", args=[row.pk]), each.label, each.icon, each.tone)
                    for each in commands
                ],
                "others": list(reports.earlier(row)[:1]),
            }
        )


class PrintPage(ReportPage):
    """Paper knows no sidebar, no buttons and no folds: one page after the other, with the same words."""

    template_name = "reports/print.html"


def find(pk: int) -> Report:
    try:
        return reports.get(pk)
    except NotFound as error:
        raise Http404(str(error)) from error


def shown(row: Report) -> dict[str, Any]:
    """The report as the templates need it."""
    document = row.document
    trends = {each["name"]: each for each in document["analysis"]["trends"]}
    events, compared = document["analysis"]["events"], len(trends)
    return {
        "document": document,
        "sections": [
            (TITLES[section], section.value, [_figure(each, trends) for each in document["metrics"][section.value]])
            for section in Section
        ],
        "advice": [_advice(each) for each in document["recommendations"]],
        "turns": [(each, *_direction(each["direction"])) for each in document["analysis"]["changePoints"]],
        "events": [_event(each, row) for each in reversed(events[-NEWEST:])],
        "more_events": max(0, len(events) - NEWEST) + document["analysis"]["eventsLeftOut"],
        "kpis": [(each, *words.KPI_LOOK.get(each["status"], words.NO_DATA)) for each in document["kpis"]],
        "follow_up": [(each, *words.ITEM_LOOK[each["state"]]) for each in document["followUp"]],
        "compared": compared,
        "by_chance": max(1, round(2 * compared * 0.05)),
        "tables": list(TABLES),
    }


def _event(event: Mapping[str, Any], row: Report) -> dict[str, Any]:
    at = datetime.fromisoformat(event["at"]).astimezone(ZoneInfo(row.zone))
    return {**event, "when": f"{at:%a} {at.day} {at:%b %H:%M}"}


def _figure(figure: Mapping[str, Any], trends: Mapping[str, Any]) -> dict[str, Any]:
    trend = trends.get(figure["name"])
    before, baseline = (trend["before"], trend["baseline"]) if trend else (None, None)
    return {
        **figure,
        "before": before,
        "baseline": baseline,
        "look": _direction(before["direction"]) if before else None,
        "spark": words.spark(figure),
    }


def _direction(direction: str) -> tuple[str, str, str]:
    return words.DIRECTIONS[Direction(direction)]


def _advice(each: Mapping[str, Any]) -> dict[str, Any]:
    return {**each, "look": words.URGENCIES[Urgency(each["urgency"])], "url": _page(each["link"])}


def _page(link: str) -> str:
    try:
        return reverse(LINKS[link]) if link else ""
    except (KeyError, NoReverseMatch):  # a page that a later release no longer has
        return ""
