"""Pages of a collection that may hold millions of documents."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

from migrations_app.adapters import mongo

MOST = 10_000  # of one list: MongoDB walks over everything that a page skips


class NewestFirst(Paginator[Any]):
    """At most the newest 10,000, and never a full count: all of them are estimated, a selection is counted so far."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        if self.object_list.query.where:
            return int(self.object_list.order_by()[:MOST].count())
        return min(MOST, self.estimate)

    @cached_property
    def estimate(self) -> int:
        """About how many documents the whole collection holds."""
        return mongo.estimated_count(self.object_list.model)
