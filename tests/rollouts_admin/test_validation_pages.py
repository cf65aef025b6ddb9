"""The pages of validations: who may, what they show, and the button."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import beside, environments
from flags.models import Flag
from rollouts.domain.validation import Check
from rollouts.models import ValidationRun

pytestmark = pytest.mark.django_db
ClientAs = Callable[[str], Client]
LIST = "/admin/rollouts/validationrun/"
RUN = f"{LIST}run/production/"
ROLES = ("viewer", "operator", "approver", "administrator")


def result(*, success: bool) -> dict[str, Any]:
    evidence = [{"name": "Wallets", "value": "3 <b>", "ok": None}, {"name": "Headers", "value": "h", "ok": success}]
    todo = [] if success else ["Mend the headers."]
    return {"success": success, "summary": f"success {success}", "evidence": evidence, "todo": todo, "seconds": 0.25}


@pytest.fixture
def failed(flag: Flag, now: datetime) -> ValidationRun:
    results = {check.value: result(success=check is not Check.SECURITY) for check in Check}
    return ValidationRun.objects.create(
        environment=environments.get("production"),
        started_at=now,
        started_by="olga",
        started_by_kind="person",
        finished_at=now + timedelta(seconds=4),
        success=False,
        results=results,
        lease="x",
        lease_until=now,
    )


def text_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


@pytest.mark.parametrize("role", ROLES)
def test_everybody_with_a_role_looks_and_only_operators_validate(
    role: str, client_as: ClientAs, failed: ValidationRun
) -> None:
    client, may = client_as(role), role != "viewer"
    page = f"{LIST}{failed.pk}/change/"
    assert (RUN in text_of(client, LIST), RUN in text_of(client, page)) == (may, may)
    assert client.get(RUN).status_code == (200 if may else 403)
    answer = client.post(RUN)
    assert answer.status_code == (302 if may else 403)
    if may:
        row = ValidationRun.objects.get(finished_at=None)
        assert (row.started_by, row.started_by_kind) == (role, "person")
        assert answer["Location"] == f"{LIST}{row.pk}/change/"
        assert "It waits for a worker" in text_of(client, answer["Location"])
        assert client.post(RUN).status_code == 409


def test_a_stranger_is_sent_to_the_login(client: Client, failed: ValidationRun) -> None:
    for address in (LIST, RUN, f"{LIST}{failed.pk}/change/", f"{LIST}in/production/"):
        assert client.get(address)["Location"].startswith("/admin/login/")


def test_what_failed_stands_first_with_what_to_do(client_as: ClientAs, failed: ValidationRun) -> None:
    client = client_as("viewer")
    page = text_of(client, f"{LIST}{failed.pk}/change/")
    assert page.index("Security compliance") < page.index("Application health")
    for part in ("Mend the headers.", "3 &lt;b&gt;", "0.25 s", "What failed stands first"):
        assert part in page
    assert "Security compliance" in text_of(client, LIST)


def test_a_check_that_had_nothing_to_validate_is_told_as_neither(client_as: ClientAs, failed: ValidationRun) -> None:
    failed.results[Check.ATOMIC.value] = {**result(success=True), "success": None, "summary": "Nothing to validate."}
    failed.save()
    client = client_as("viewer")
    page = text_of(client, f"{LIST}{failed.pk}/change/")
    assert (page.count("nothing to validate"), page.count("Atomic operations")) == (1, 1)
    assert "Atomic operations" not in text_of(client, LIST)


def test_a_lost_one_and_one_that_runs_say_so(client_as: ClientAs, failed: ValidationRun, now: datetime) -> None:
    client, address = client_as("operator"), f"{LIST}{failed.pk}/change/"
    ValidationRun.objects.update(success=None, results={})
    assert "It was lost:" in text_of(client, address)
    ValidationRun.objects.update(finished_at=None)
    assert "The checks run" in text_of(client, address)
    assert "Validate again" not in text_of(client, address)


def test_events_lead_to_the_validations_of_their_environment(client_as: ClientAs, failed: ValidationRun) -> None:
    client = client_as("viewer")
    address = beside.page_of("validation:production", "production")
    assert client.get(address)["Location"] == f"{LIST}?environment__id__exact={failed.environment_id}"
    for wrong in (f"{LIST}in/nosuch/", f"{LIST}999/change/", f"{LIST}abc/change/"):
        assert client.get(wrong).status_code == 404
    assert client_as("operator").get(f"{LIST}run/nosuch/").status_code == 404


def test_the_list_asks_the_same_few_questions_however_long(client_as: ClientAs, failed: ValidationRun) -> None:
    client = client_as("operator")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        return len(queries)

    asked()
    few = asked()
    for _ in range(10):
        failed.pk = None
        failed.save()
    assert asked() == few
