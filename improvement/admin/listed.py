"""Rows that are told as a whole in their list or on a board."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core.admin.read_only import ReadOnlyAdmin


class ListedAdmin(ReadOnlyAdmin):
    """No row has a page of its own: Django's form would show what no person needs, such as the digest of a link."""

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect(self.list_url())
