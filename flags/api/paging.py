"""Lists in pages: `limit` and `page` in, `Link` (RFC 8288) and `Total-Count` out. The body stays a plain list."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Schema
from pydantic import Field

Row = TypeVar("Row", bound=Model)
MOST = 1000


class Page(Schema):
    """For `Query[...]` of a list, or to inherit from."""

    limit: int = Field(100, ge=1, le=MOST, description="How many at a time.")
    page: int = Field(1, ge=1, le=1_000_000, description="Which of the pages, from 1.")


def cut(request: HttpRequest, response: HttpResponse, found: QuerySet[Row], wanted: Page) -> list[Row]:
    """The rows of the page that is wanted, with the way to the others in the headers. Two queries.

    `found` must be in a whole order: one that leaves no two rows equal.
    """
    total = found.count()
    last = max(1, -(-total // wanted.limit))
    response["Total-Count"] = str(total)
    pages = {"first": 1, "prev": wanted.page - 1, "next": wanted.page + 1, "last": last}
    links = [_link(request, rel, page) for rel, page in pages.items() if 1 <= page <= last]
    response["Link"] = ", ".join(links)
    start = (wanted.page - 1) * wanted.limit
    return list(found[start : start + wanted.limit])


def _link(request: HttpRequest, rel: str, page: int) -> str:
    query = {**request.GET.dict(), "page": page}
    return f'<{request.build_absolute_uri(request.path)}?{urlencode(query)}>; rel="{rel}"'
