"""Every command on the page holds its one row first: they queue up behind it, and none waits for another's rows.

What changes the page raises its version in the same transaction, and tells the processes once that is committed.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils.crypto import get_random_string

from statuspage.adapters import bus
from statuspage.models import Page
from statuspage.models.page import THE_PAGE, TITLE

_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another one


def hold_page(*, now: datetime) -> Page:
    """The page, locked until the transaction ends; made when there is none yet."""
    Page.objects.get_or_create(pk=THE_PAGE, defaults={"title": TITLE, "changed_at": now})
    return Page.objects.select_for_update().get(pk=THE_PAGE)


def raise_version(page: Page, *, now: datetime) -> None:
    """Save the page as its next version, and tell the processes that show it."""
    page.version += 1
    page.changed_at = max(now, page.changed_at)
    page.save()
    transaction.on_commit(partial(bus.announce, page.version))


def new_id() -> str:
    """For addresses of the page and for programs: it says nothing of how many there are."""
    return get_random_string(12, _LETTERS)
