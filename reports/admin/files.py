"""Every table of a report as CSV, and the whole of it as JSON."""

from __future__ import annotations

import csv
import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from core.exporting import safe
from reports.admin.report_page import VIEW, find
from reports.selectors.shown import shown
from reports.selectors.tables import TABLES


@require_safe
def table(request: HttpRequest, pk: int, table: str) -> HttpResponse:
    """One table. No cell starts like a formula."""
    if not request.user.has_perm(VIEW):
        return HttpResponse(status=403)
    if table not in TABLES:
        raise Http404(f"There is no table {table!r}; there are {', '.join(TABLES)}.")
    row = find(pk)
    columns, lines = TABLES[table](row.document)
    response = _file(f"report-{row.pk}-{table}.csv", "text/csv; charset=utf-8")
    writer = csv.writer(response)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in line] for line in lines)
    return response


@require_safe
def document(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole report, with the digest of what it was made of."""
    if not request.user.has_perm(VIEW):
        return HttpResponse(status=403)
    row = find(pk)
    response = _file(f"report-{row.pk}.json", "application/json")
    response.write(json.dumps(shown(row), ensure_ascii=False, indent=1))
    return response


def _cell(value: Any) -> str:
    """Numbers as they are, a negative one too: only words are taken for formulas."""
    return str(value) if isinstance(value, int | float) else "" if value is None else safe(str(value))


def _file(name: str, media_type: str) -> HttpResponse:
    response = HttpResponse(content_type=media_type)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    return response
