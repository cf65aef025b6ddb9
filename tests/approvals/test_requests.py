"""What becomes of a change request."""

from __future__ import annotations

from datetime import datetime

import pytest

from approvals.services import applying
from flags import selectors as flag_selectors
from tests.approvals.conftest import KEY, OLGA, Ask, approve

pytestmark = pytest.mark.django_db


def test_an_approved_request_is_applied_and_its_events_name_it(ask: Ask, now: datetime) -> None:
    request = ask()
    assert flag_selectors.state(KEY, "production").percentage == 0
    approve(request, now=now)
    applying.apply(request.pk, actor=OLGA, now=now)
    state = flag_selectors.state(KEY, "production")
    assert (state.enabled, state.percentage) == (True, 50)
