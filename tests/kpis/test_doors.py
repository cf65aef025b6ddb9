"""The pages, the API and the command line: who may see and report, and that pages never take more queries."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.models import Environment
from flags.services import tokens
from kpis.selectors import outside
from kpis.services import recording, reporting
from kpis.services.reporting import Given
from tests.kpis.conftest import OLGA, WHERE, raised, taken_back
from tests.kpis.test_reporting import HEAD, JULY, TICKETS

ClientAs = Callable[..., Client]
BOARD, DELIVERY = "/admin/kpis/kpi/in/production/", "/admin/kpis/kpi/delivery/production/"
PAGE = f"{BOARD}of/errorRate/"
OUTSIDE = f"{BOARD}of/{TICKETS}/"
FORM = {"kpi": TICKETS, "start": "2025-07-01", "end": "2025-07-31", "baseline": "120", "current": "90", "note": ""}


@pytest.fixture(autouse=True)
def _stopped(now: datetime) -> object:
    with time_machine.travel(now + timedelta(hours=2), tick=False):
        yield


@pytest.fixture
def measured(kpis: dict[str, Any], production: Environment, melts: Callable[..., None], now: datetime) -> Environment:
    """An hour of melts, two deployments of which one failed, and a figure from outside."""
    melts(now, 2_000, bad=30)
    raised(5, now=now)
    raised(10, before=5, now=now + timedelta(hours=1))
    taken_back(now=now + timedelta(minutes=90))
    reporting.report(WHERE, JULY, actor=OLGA, now=now)
    recording.record(production, now=now + timedelta(hours=2))
    return production


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_the_board_tells_each_kpi_with_its_target_status_and_why_there_is_none(
    client_as: ClientAs, measured: Environment
) -> None:
    shown = text(client_as("viewer"), BOARD)
    for words in (
        "&lt;1%",
        "1.5 %",
        "not met",
        "n = 2,000 (melts)",
        "25 %",
        "no data",
        "up was not reported",
        "Financial",
    ):
        assert words in shown
    assert "Report a figure" not in shown
    assert "Report a figure" in text(client_as("operator"), BOARD)


def test_an_empty_board_says_what_to_do(client_as: ClientAs, all_environments: None) -> None:
    assert "No KPI is defined yet" in text(client_as("viewer"), BOARD)


def test_the_page_of_a_kpi_tells_how_it_is_computed_and_from_what(client_as: ClientAs, measured: Environment) -> None:
    viewer = client_as("viewer")
    shown = text(viewer, PAGE)
    assert "100 × sum(melt_errors_total{flag=&quot;atomicMeltOperations&quot;})" in shown
    assert "not met: above 1 %" in shown
    assert "Mon 11 Aug 2025" in text(viewer, f"{PAGE}?points=1&range=28d")
    assert "switched off" not in shown
    assert "rolled back" in text(viewer, f"{BOARD}of/changeFailureRate/")
    reported = text(viewer, OUTSIDE)
    assert "olga" in reported
    assert "Withdraw" not in reported
    assert "Withdraw" in text(client_as("operator"), OUTSIDE)
    assert viewer.get(f"{BOARD}of/nothing/").status_code == 404


def test_the_delivery_page_lists_what_counts_and_what_is_left_out(client_as: ClientAs, measured: Environment) -> None:
    shown = text(client_as("viewer"), f"{DELIVERY}?days=28")
    missing = ("its start is not known", "a further step of a change")
    for words in ("1 of 2 deployments", "2 deployments on 1 different day", *missing):
        assert words in shown


def test_files_have_every_kpi_and_every_day(client_as: ClientAs, measured: Environment) -> None:
    viewer = client_as("viewer")
    lines = text(viewer, f"{BOARD}board.csv").splitlines()
    assert len(lines) == 19
    assert any(line.startswith("errorRate,Error rate,") and ",1.5,%,<1%,missed," in line for line in lines)
    days = text(viewer, f"{PAGE}history.csv").splitlines()
    assert len(days) == 367
    assert days[-1].startswith("2025-08-11,1.5,%,<1%,missed,")


@pytest.mark.parametrize("address", [BOARD, PAGE, OUTSIDE, DELIVERY, f"{BOARD}of/changeFailureRate/"])
def test_the_pages_have_a_fixed_number_of_queries(
    address: str, client_as: ClientAs, measured: Environment, now: datetime
) -> None:
    client = client_as("operator")
    text(client, address)
    with CaptureQueriesContext(connection) as few:
        text(client, address)
    for number in range(20):
        raised(11 + number, before=10 + number, now=now + timedelta(minutes=11 * number - 600))
        day = (now - timedelta(days=30 - number)).date()
        reporting.report(WHERE, Given("errorCostReduction", day, day, 1, 2), actor=OLGA, now=now)
    with CaptureQueriesContext(connection) as many:
        text(client, address)
    assert len(many) == len(few) <= 24


def test_who_may_not_see_kpis_gets_nothing(client: Client, measured: Environment) -> None:
    assert client.get(BOARD).status_code == 302
    client.force_login(
        get_user_model().objects.create_user("nobody", password="x", is_staff=True),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    for address in (BOARD, PAGE, DELIVERY, f"{BOARD}board.csv", f"{PAGE}history.csv", "/admin/kpis/kpi/"):
        assert client.get(address).status_code == 403


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 302), ("approver", 302)])
def test_operators_report_correct_and_withdraw_figures_and_viewers_do_not(
    role: str, status: int, client_as: ClientAs, kpis: dict[str, Any]
) -> None:
    client, may = client_as(role), status == 302
    assert client.post(f"{BOARD}report/", FORM).status_code == status
    assert client.post(f"{BOARD}report/", {**FORM, "current": "60", "correct": "on"}).status_code == status
    file = SimpleUploadedFile("f.csv", HEAD + b"errorCostReduction,2025-07-01,2025-07-31,100,40,\n")
    assert client.post(f"{BOARD}upload/", {"file": file}).status_code == status
    assert [row.current for row in outside.reported(key=TICKETS)] == [60, 90] * may
    assert outside.reported(key="errorCostReduction").count() == may
    number = outside.reported(key=TICKETS)[0].pk if may else 1
    assert client.post(f"/admin/kpis/kpi/figures/{number}/withdraw/", {"reason": "wrong"}).status_code == status
    assert not outside.reported(key=TICKETS).filter(superseded_at=None).exists()


def test_a_refused_figure_keeps_what_was_typed_and_says_what_to_do(client_as: ClientAs, kpis: dict[str, Any]) -> None:
    client = client_as("operator")
    client.post(f"{BOARD}report/", FORM)
    answer = client.post(f"{BOARD}report/", {**FORM, "current": "60"})
    assert answer.status_code == 409
    assert "correct that one" in answer.content.decode()
    answer = client.post(f"{BOARD}upload/", {"file": SimpleUploadedFile("f.csv", b"a;b\n")})
    assert answer.status_code == 422
    assert "Separate the columns by commas" in answer.content.decode()
    assert "from the help desk" not in text(client, f"{BOARD}report/?kpi={TICKETS}")


def test_the_api_tells_the_same_and_takes_figures_for_its_environment(
    client: Client, measured: Environment, now: datetime
) -> None:
    _, secret = tokens.create("pipeline", WHERE, [tokens.Scope.OPERATE], actor=OLGA, now=now)
    auth = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    assert client.get("/api/v1/kpis").status_code == 401
    board = {one["key"]: one for one in client.get("/api/v1/kpis", **auth).json()}
    assert len(board) == 18
    assert (board["errorRate"]["status"], board["errorRate"]["value"]) == ("missed", 1.5)
    assert (board["uptime"]["status"], board["uptime"]["value"]) == ("no_data", None)
    assert client.get("/api/v1/kpis/errorRate", **auth).json()["window_days"] == 28
    days = client.get("/api/v1/kpis/errorRate/history?days=3", **auth).json()
    assert [one["value"] for one in days] == [None, None, 1.5]
    assert client.get("/api/v1/kpis/nothing", **auth).status_code == 404
    path, body = f"/api/v1/kpis/{TICKETS}/figures", {"start": "2025-08-01", "end": "2025-08-07", "current": 9}
    refused = client.post(path, json.dumps(body), content_type="application/json", **auth)
    assert (refused.status_code, refused.json()["field"]) == (422, "baseline")
    taken = client.post(path, json.dumps({**body, "baseline": 10}), content_type="application/json", **auth)
    assert (taken.status_code, taken.json()["reported_by"]) == (201, "pipeline")
    assert [one["current"] for one in client.get(path, **auth).json()] == [9, 90]


def test_the_command_line_lists_shows_computes_and_reports(
    capsys: pytest.CaptureFixture[str], measured: Environment, tmp_path: Path
) -> None:
    def run(*words: str) -> str:
        call_command("kpi", *words, "--environment", WHERE)
        return capsys.readouterr().out

    assert "Error rate: 1.5 %, target <1% not met." in run("list")
    assert "2025-08-11  Error rate: 1.5 %" in run("show", "errorRate")
    assert "0 days of KPIs were recorded." in run("compute")
    assert json.loads(run("list", "--json"))[1]["n"] == 2_000
    one = ("report", "errorCostReduction", "--start", "2025-07-01", "--end", "2025-07-31", "--current", "40")
    with pytest.raises(CommandError, match="Give the baseline"):
        run(*one)
    assert "40 is taken." in run(*one, "--baseline", "100")
    file = tmp_path / "figures.csv"
    file.write_bytes(HEAD + b"maintenanceEfficiency,2025-07-01,2025-07-31,100,70,\n")
    assert "70 is taken." in run("report", "--file", str(file))
    with pytest.raises(CommandError, match="cannot be read"):
        run("report", "--file", str(tmp_path / "gone.csv"))


def test_a_file_of_100_mb_is_refused_without_being_read(measured: Environment, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    file.touch()
    os.truncate(file, 100_000_000)
    tracemalloc.start()
    with pytest.raises(CommandError, match="larger than 1 MB"):
        call_command("kpi", "report", "--file", str(file), "--environment", WHERE)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 20_000_000
