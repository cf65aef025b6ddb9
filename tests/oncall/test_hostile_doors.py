"""What nobody means who uses the doors of on call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.oncall.test_doors import ask, running  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/oncall/a%00b", 404),
        ("/oncall/a%00b/shifts", 404),
        ("/oncall/first-line/shifts?since=9999-12-31T23:59:59Z", 422),
        ("/oncall/first-line/shifts?since=9999-11-30T00:00:00Z&until=9999-12-31T23:59:59Z", 422),
        ("/oncall/first-line/shifts?since=0001-01-01T00:00:00%2B14:00", 422),
        ("/oncall/first-line/shifts?since=1970-01-01T00:00:00Z&until=1e18", 422),
        (f"/escalations/{'9' * 30}", 404),
    ],
)
def test_what_no_key_and_no_time_can_be_is_refused(
    path: str,
    status: int,
    ask: Callable[..., Any],  # noqa: F811
) -> None:
    assert ask("get", path).status_code == status


def test_a_form_has_no_more_rows_than_a_chain_has_steps(client_as: Callable[[str], Client]) -> None:
    page = client_as("approver").get("/admin/oncall/chain/add/", {"rows": "9" * 5000})
    assert page.status_code == 200
