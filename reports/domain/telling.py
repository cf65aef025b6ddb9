"""What an announcement says of a report: to management in its words, to developers in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.domain.sentences import Direction, amount

MARKS = {Direction.BETTER: "better", Direction.WORSE: "worse", Direction.SAME: "no clear change"}


def told(title: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The data of the event: rows of a table for each kind of reader, and the text around them.

    `words` is by what an audience reads (`communications.domain.audiences.Content`).
    """
    figures = [each for section in document["metrics"].values() for each in section]
    trends = {each["name"]: each for each in document["analysis"]["trends"]}
    business = [_row(each, trends) for each in figures if each["business"]]
    technical = [_row(each, trends) for each in figures]
    return {
        "severity": "info",
        "title": title,
        "words": {
            "business": {"text": _for_management(document), "rows": business},
            "technical": {"text": _for_developers(document), "rows": technical},
        },
    }


def _row(figure: Mapping[str, Any], trends: Mapping[str, Any]) -> dict[str, str]:
    """A figure, and how it was the week before: in words, so that it reads without colours."""
    trend = trends.get(figure["name"])
    if trend is None:
        return {"name": figure["label"], "value": "not measured", "note": figure["why"]}
    mark = MARKS.get(trend["before"]["direction"], trend["before"]["direction"])
    then = trend["before"]["then"]
    note = "nothing to compare with" if then is None else f"{mark}; before: {amount(then, figure['unit'])}"
    return {"name": figure["label"], "value": figure["said"], "note": note}


def _for_management(document: Mapping[str, Any]) -> str:
    lines = [document["headline"]]
    asked = document["nextActions"]
    if asked:
        lines += ["", "What is done about it:", *(f"- {each['title']} (until {each['due']})" for each in asked)]
    figures = {each["label"] for section in document["metrics"].values() for each in section}
    gaps = [each for each in document["unmeasured"] if each["what"] not in figures and each["what"] != "KPIs"]
    return "\n".join([*lines, *_unknown(gaps)])


def _for_developers(document: Mapping[str, Any]) -> str:
    lines = [document["headline"]]
    for heading, found in (
        ("Changes within the time:", [each["sentence"] for each in document["analysis"]["changePoints"]]),
        ("Recommended:", [_advice(each) for each in document["recommendations"]]),
        ("Still open from earlier reports:", [_item(each) for each in document["followUp"] if each["state"] != "done"]),
    ):
        if found:
            lines += ["", heading, *(f"- {line}" for line in found)]
    return "\n".join([*lines, *_unknown(document["unmeasured"])])


def _unknown(missing: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [f"- {each['what']}: {each['why']}" for each in missing]
    return ["", "Not measured:", *found] if found else []


def _advice(each: Mapping[str, Any]) -> str:
    return f"[{each['urgency']}] {each['text']} ({'; '.join(each['figures'])})"


def _item(each: Mapping[str, Any]) -> str:
    return f"{each['title']} ({each['owner']}, {each['state']}, until {each['due']})"
