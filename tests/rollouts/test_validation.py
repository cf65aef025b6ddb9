"""The checks against what they look at, and one run at a time from asking to telling."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from pytest_django import Settings

import flags.selectors
from core import environments, events
from core.actors import Actor
from core.errors import Conflict, NotFound
from flags.adapters.disk import DiskCopy
from flags.api.counting import Counting
from flags.api.ofrep import OfrepDoor
from flags.domain.change import StateChange
from flags.domain.limit import MinuteLimit
from flags.models import Flag
from flags.services import lists, rollout, tokens
from monitoring.models import Source
from monitoring.services import ingest
from rollouts.adapters.validation_http import Answer, Unreachable
from rollouts.domain.validation import LEASE, Check, Result, Subject
from rollouts.models import ValidationRun
from rollouts.services import (
    validation,
    validation_database,
    validation_features,
    validation_health,
    validation_performance,
    validation_security,
)
from tests.flags.ofrep_door import StillHolder, ask
from tests.migrations_app.conftest import connected
from tests.monitoring.conftest import counted
from tests.racing import at_once

KEY = "atomicMeltOperations"
SELF = "http://127.0.0.1:8000"


class Wire:
    """Answers by path, or is away."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {name.replace("_", "/"): answer for name, answer in answers.items()}
        self.asked: list[str] = []

    def get(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 5) -> Answer:
        self.asked.append(url)
        found = self.answers.get(urlsplit(url).path.strip("/"))
        if found is None:
            raise Unreachable(f"{url} does not answer: connection refused")
        return found

    def post(self, url: str, body: object, *, headers: Mapping[str, str], timeout: float = 5) -> Answer:
        raise Unreachable(f"{url} does not answer: connection refused")


class Product(Wire):
    """The product's own OFREP door. It hears of changes while the check pauses; `stale` of its answers are old."""

    def __init__(self, directory: Path, *, stale: int = 0) -> None:
        super().__init__()
        self.stale = stale
        self._holder = StillHolder(DiskCopy(directory / "snapshot"), poll_seconds=60)
        self._holder.refresh()
        self._door = OfrepDoor(self._holder, limit=MinuteLimit(10_000), origins=(), counting=Counting(units=10))

    def hear(self, seconds: float) -> None:
        self._holder.refresh()

    def post(self, url: str, body: object, *, headers: Mapping[str, str], timeout: float = 5) -> Answer:
        found = ask(self._door, urlsplit(url).path, body, HTTP_AUTHORIZATION=headers["Authorization"])
        if found.status == 200 and self.stale:
            self.stale -= 1
            return says({"flags": [{"key": KEY, "reason": "DISABLED", "variant": "off"}]})
        return says(found.body, found.status)


def says(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, headers or {}, json.dumps(body).encode())


@pytest.fixture
def subject(flag: Flag, now: datetime) -> Subject:
    return Subject("production", environments.get("production").pk, 7, now)


def wrong(result: Result) -> list[str]:
    return [each.name for each in result.evidence if each.ok is False]


WELL = says({"parts": {"evaluation": {"state": "ok"}, "redis": {"state": "ok"}, "guard": {"state": "ok"}}})
LATE = says({"parts": {"redis": {"state": "down", "detail": "It does not answer."}, "guard": {"state": "late"}}})


@pytest.fixture
def reporting(subject: Subject) -> None:
    """nctool reported just now, and its health address was up for the last ten minutes."""
    Source.objects.create(
        environment_id=subject.environment_id, key="nctool", name="nctool", kind="probe", url="${NCTOOL_URL}/health"
    )
    ingest.store("production", {"metrics": [counted("melt_operations_total", 1, subject.now)]}, now=subject.now)
    _up(subject, 60)


def _up(subject: Subject, answers: int, value: float = 1) -> None:
    moments = [subject.now.timestamp() - 10 * number for number in range(answers)]
    gauges = [ingest.Gauge("up", {}, at, value) for at in moments]
    ingest.store_gauges(subject.environment_id, "nctool", gauges, now=subject.now)


def healthy(subject: Subject, wire: Wire) -> Result:
    return validation_health.check(subject, wire, address=SELF, nctool="http://nctool")


@pytest.mark.django_db
@pytest.mark.usefixtures("reporting")
def test_health_is_what_nctool_and_our_own_parts_say_now(subject: Subject) -> None:
    wire = Wire(health=says({}), readyz=WELL)
    assert healthy(subject, wire).success
    assert wire.asked == ["http://nctool/health", f"{SELF}/readyz"]
    assert wrong(healthy(subject, Wire(health=says({}, 503), readyz=LATE))) == [
        "nctool",
        "This product: redis",
        "This product: guard",
    ]
    assert wrong(healthy(subject, Wire())) == ["nctool", "This product"]
    assert wrong(healthy(subject, Wire(health=says({}), readyz=says("odd")))) == ["This product"]


@pytest.mark.django_db
@pytest.mark.usefixtures("reporting")
def test_an_outage_of_the_last_ten_minutes_and_silence_are_no_health(subject: Subject) -> None:
    wire = Wire(health=says({}), readyz=WELL)
    _up(subject, 10, value=0)
    assert wrong(healthy(subject, wire)) == ["nctool, last 10 min"]
    later = Subject(subject.environment, subject.environment_id, 8, subject.now + timedelta(minutes=20))
    assert wrong(healthy(later, wire)) == ["nctool, last 10 min", "Measurements"]


@pytest.mark.django_db
def test_a_health_address_that_is_not_configured_fails_nothing_but_silence_does(subject: Subject) -> None:
    Source.objects.create(
        environment_id=subject.environment_id, key="nctool", name="nctool", kind="probe", url="${NCTOOL_URL}/health"
    )
    result = validation_health.check(subject, Wire(readyz=WELL), address=SELF, nctool="")
    assert wrong(result) == ["Measurements"]
    assert wrong(validation_health.check(subject, Wire(), address="", nctool="")) == ["Measurements", "This product"]


def wallet(number: int, **more: Any) -> dict[str, Any]:
    return {"npub": f"npub1w{number}", "mint_url": "https://mint", **more}


def money(number: int, amount: Any = 10, status: str = "unspent", **more: Any) -> dict[str, Any]:
    return {**wallet(number), "status": status, "transaction_type": "received", "amount": amount, **more}


@pytest.fixture
def ledger(mongodb_url: str, mongodb_name: str) -> Any:
    with connected(mongodb_url, mongodb_name) as database:
        database.cashuwallets.insert_many([wallet(1), wallet(2, balance=30), wallet(3)])
        database.cashutokens.insert_many(
            [money(1, proofs=[{"secret": "a"}]), money(2), money(2, 20), money(2, 5, "spent"), money(3, 1, "pending")]
        )
        yield database


def checked(subject: Subject, pause: Callable[[float], None] = lambda seconds: None) -> Result:
    return validation_database.check(subject, pause=pause)


@pytest.mark.django_db
def test_a_ledger_in_order_passes_with_its_counts(subject: Subject, ledger: Any) -> None:
    result = checked(subject)
    assert result.success, result
    told = {each.name: each.value for each in result.evidence}
    assert (told["Tokens"], told["Wallets"]) == ("5: 1 pending, 1 spent, 3 unspent", "3")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({"token": money(1, status="lost")}, "Every token has a known status"),
        ({"token": money(1, transaction_type="gift")}, "Every token has a known transaction type"),
        ({"token": money(1, -1)}, "Every amount is a number and not negative"),
        ({"token": money(1, "10")}, "Every amount is a number and not negative"),
        ({"token": money(9)}, "Every token belongs to a wallet"),
        ({"wallet": wallet(1)}, "No wallet is there twice"),
        ({"token": money(2, 1)}, "Every wallet's balance is the sum of its unspent tokens"),
        ({"token": money(1, proofs=[{"secret": "b"}, {"secret": "a"}])}, "No secret is in two unspent tokens"),
    ],
)
def test_each_invariant_that_is_broken_is_named_with_what_to_do(
    broken: dict[str, Any], name: str, subject: Subject, ledger: Any
) -> None:
    for noun, document in broken.items():
        ledger[f"cashu{noun}s"].insert_one(dict(document))
    result = checked(subject)
    assert wrong(result) == [name]
    assert len(result.todo) == 1


@pytest.mark.django_db
def test_a_melt_under_way_is_looked_at_again_and_forgiven(subject: Subject, ledger: Any) -> None:
    """The proofs are spent and the change is not written yet; two seconds later it is."""
    ledger.cashutokens.update_one({"amount": 20}, {"$set": {"status": "spent"}})
    pauses: list[float] = []

    def finish(seconds: float) -> None:
        pauses.append(seconds)
        ledger.cashutokens.insert_one(money(2, 20, transaction_type="change"))

    assert checked(subject, finish).success
    assert pauses == [2.0]


@pytest.fixture
def configured(subject: Subject, operator_actor: Actor, now: datetime) -> None:
    wanted = StateChange(enabled=True, percentage=25)
    rollout.change(KEY, "production", wanted, actor=operator_actor, reason="ramp", now=now)
    for npub, kind in (("npub1allowed", lists.ALLOW), ("npub1denied", lists.DENY)):
        lists.edit_list(kind, KEY, "production", add=[npub], actor=operator_actor, reason="r", now=now)


@pytest.mark.django_db
@pytest.mark.usefixtures("configured")
def test_flags_are_asked_over_ofrep_with_a_token_that_ends_with_the_run(subject: Subject, tmp_path: Path) -> None:
    product = Product(tmp_path)
    result = validation_features.check(subject, product, address=SELF, pause=product.hear)
    assert result.success, result
    told = {each.name: each.value for each in result.evidence}
    assert told["npubs"] == "22: 2 of allow-lists and deny-lists, 20 others"
    assert told[KEY].startswith("on for 25 %; 22 of 22 answers as configured, ")
    token = flags.selectors.tokens().get(name="validation 7")
    assert (token.revoked_at, token.created_by) == (subject.now, "validation")


@pytest.mark.django_db
@pytest.mark.usefixtures("configured")
@pytest.mark.parametrize(("stale", "success"), [(3, True), (1_000, False)])
def test_an_old_answer_is_forgiven_while_a_change_travels_and_not_for_ever(
    stale: int, success: bool, subject: Subject, tmp_path: Path
) -> None:
    product = Product(tmp_path, stale=stale)
    result = validation_features.check(subject, product, address=SELF, pause=product.hear)
    assert (result.success, wrong(result)) == (success, [] if success else [KEY])


@pytest.mark.django_db
def test_flags_that_cannot_be_asked_have_shown_nothing(subject: Subject) -> None:
    nowhere = validation_features.check(subject, Wire(), address="")
    away = validation_features.check(subject, Wire(), address=SELF)
    assert (nowhere.success, "SELF_URL" in nowhere.todo[0]) == (False, True)
    assert (away.success, "does not answer" in away.summary) == (False, True)
    assert not flags.selectors.tokens().filter(revoked_at=None).exists()


def melts(at: datetime, minutes: int, *, mean: float = 300, errors: int = 0) -> None:
    for number in range(minutes * 6):
        moment = at + timedelta(seconds=10 * number)
        on = {"flag": KEY, "variant": "on"}
        timing = {
            **counted("melt_duration_ms", (mean + number % 7) * 100, moment, **on),
            "kind": "timing",
            "count": 100,
        }
        rows = [counted("melt_operations_total", 100, moment, **on), timing]
        rows += [counted("melt_errors_total", errors, moment, **on, severity="HIGH")]
        ingest.store("production", {"metrics": rows}, now=moment)


@pytest.mark.django_db
def test_speed_is_compared_with_last_week_else_with_the_hour_before_the_raise(
    subject: Subject, operator_actor: Actor
) -> None:
    now = subject.now
    assert "Too little was measured" in validation_performance.check(subject).summary
    melts(now - timedelta(minutes=11), 11, mean=400, errors=2)
    assert "nothing to compare with" in validation_performance.check(subject).summary
    raised = now - timedelta(minutes=30)
    wanted = StateChange(enabled=True, percentage=25)
    rollout.change(KEY, "production", wanted, actor=operator_actor, reason="ramp", now=raised)
    melts(raised - timedelta(minutes=5), 5, mean=300)
    result = validation_performance.check(subject)
    assert wrong(result) == ["Error rate", "Response time, mean", "Response time, p95"]
    assert f"the hour before {KEY} was raised (2025-08-11 08:30 UTC)" in result.summary
    melts(now - timedelta(days=7, minutes=5), 5, mean=390, errors=2)
    result = validation_performance.check(subject)
    assert (result.success, "the same hour a week ago" in result.summary) == (True, True)


SAFE = {
    "content-security-policy": "default-src 'self'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


def secure(subject: Subject, wire: Wire | None = None) -> Result:
    return validation_security.check(subject, wire or Wire(admin_login=says("", headers=SAFE)), address=SELF)


@pytest.mark.django_db
def test_security_here_is_headers_tokens_and_passwords(
    subject: Subject, operator_actor: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    assert secure(subject).success
    old = subject.now - timedelta(days=91)
    tokens.create("nctool", "production", ["evaluate"], actor=operator_actor, now=old)
    tokens.create("other", "staging", ["evaluate"], actor=operator_actor, now=old)
    people = get_user_model().objects
    people.create_user("olga", password="a long sentence of hers", is_staff=True)
    people.create_user("paul", password="paul", is_staff=True)
    result = secure(subject, Wire(admin_login=says("", headers={"x-frame-options": "SAMEORIGIN"})))
    assert wrong(result) == ["Headers of the sign-in page", "API tokens", "Passwords"]
    told = {each.name: each.value for each in result.evidence}
    assert told["API tokens"] == "older than 90 days: nctool (91 days)"
    assert "paul" not in str(result)
    assert "paul" in caplog.text


@pytest.mark.django_db
def test_production_needs_tls_and_clean_deploy_checks(subject: Subject, settings: Settings) -> None:
    settings.PRODUCTION, settings.PUBLIC_URL = True, "http://rollout.example"
    assert wrong(secure(subject)) == ["TLS", "Deploy checks"]
    settings.PUBLIC_URL, settings.SECRET_KEY = "https://rollout.example", "django-insecure-" + "x" * 50
    result = secure(subject, Wire(healthz=says({}), admin_login=says("", headers=SAFE)))
    assert wrong(result) == ["SECRET_KEY", "Deploy checks"]


@pytest.mark.django_db
def test_trying_passwords_ends_in_time_and_begins_elsewhere_next_time(subject: Subject) -> None:
    for name in ("anna", "bela", "cleo"):
        get_user_model().objects.create_user(name, password=name, is_staff=True)
    moments = iter(range(0, 1_000, 8))
    wire = Wire(admin_login=says("", headers=SAFE))
    result = validation_security.check(subject, wire, address=SELF, clock=lambda: next(moments))
    assert [each.value for each in result.evidence if each.name == "Passwords"] == [
        "1 easy to guess; 1 of 3 people tried with 6 passwords each"
    ]


def all_pass(checks: validation.Checks) -> dict[Check, Result]:
    return {check: Result(True, "fine") for check in checks}


def one_breaks(checks: validation.Checks) -> dict[Check, Result]:
    def broken() -> Result:
        raise RuntimeError("no such thing")

    return validation.in_turn({check: broken if check is Check.DATABASE else lambda: FINE for check in checks})


FINE = Result(True, "fine")


def told() -> list[tuple[str, Any, str]]:
    rows = events.recent().filter(kind="validation.finished")
    return [(event.actor, event.data["success"], event.reason) for event in rows]


@pytest.mark.django_db
def test_a_run_is_kept_with_its_results_and_told_once(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    row = validation.run("production", actor=operator_actor, now=now, apart=all_pass)
    assert (row.success, set(row.results)) == (True, {check.value for check in Check})
    assert told() == [("olga", True, "")]
    with pytest.raises(NotFound):
        validation.run("nosuch", actor=operator_actor, now=now, apart=all_pass)


@pytest.mark.django_db
def test_a_check_that_breaks_has_failed_and_the_others_still_speak(
    flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    row = validation.run("production", actor=operator_actor, now=now, apart=one_breaks)
    assert row.success is False
    assert row.results["databaseIntegrity"]["summary"] == "The check broke: RuntimeError: no such thing"
    assert told() == [("olga", False, "failed: databaseIntegrity")]


@pytest.mark.django_db
def test_one_at_a_time_and_a_lost_one_is_told_and_makes_room(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    lost = validation.request("production", actor=operator_actor, now=now)
    ValidationRun.objects.update(lease="a worker that was killed")
    tokens.create(f"validation {lost.pk}", "production", ["evaluate"], actor=validation_features.ACTOR, now=now)
    with pytest.raises(Conflict, match="under way, asked for by olga"):
        validation.request("production", actor=operator_actor, now=now + LEASE)
    assert validation.request("staging", actor=operator_actor, now=now)
    later = now + LEASE + timedelta(seconds=1)
    again = validation.request("production", actor=operator_actor, now=later)
    lost.refresh_from_db()
    assert (lost.finished_at, lost.success, again.finished_at) == (later, None, None)
    assert {reason for _, _, reason in told()} == {"lost: its process ended before it did"}
    assert not flags.selectors.tokens().filter(revoked_at=None).exists()


@pytest.mark.django_db
def test_the_clock_asks_once_a_day_where_flags_are_on(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    day = timedelta(days=1)
    rollout.change(KEY, "production", StateChange(enabled=True), actor=operator_actor, reason="r", now=now)

    def ran(at: datetime, every: timedelta = day) -> int:
        return validation.run_due(now=at, every=every, apart=all_pass)

    moments = (now, now + day, now + day, now + 1.5 * day, now + 2 * day)
    assert [ran(at) for at in moments] == [0, 1, 0, 0, 1]
    assert ran(now + 9 * day, timedelta()) == 0
    assert told() == [("clock", True, "")] * 2
    assert {row.environment.key for row in ValidationRun.objects.all()} == {"production"}


@pytest.mark.django_db
def test_workers_run_one_at_a_time_so_that_some_are_free_for_the_guard(
    flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    for environment in ("production", "staging"):
        validation.request(environment, actor=operator_actor, now=now)
    ran: list[int] = []

    def another_worker(checks: validation.Checks) -> dict[Check, Result]:
        ran.append(validation.run_due(now=now, every=timedelta(), apart=all_pass))
        return all_pass(checks)

    assert [validation.run_due(now=now, every=timedelta(), apart=another_worker) for _ in range(3)] == [1, 1, 0]
    assert ran == [0, 0]


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_runs_it_and_of_many_people_one_asks(
    flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    results = at_once(*[lambda: validation.request("production", actor=operator_actor, now=now)] * 4)
    assert sum(isinstance(result, Conflict) for result in results) == 3
    assert sum(at_once(*[lambda: validation.run_due(now=now, every=timedelta(), apart=all_pass)] * 4)) == 1
    assert len(told()) == 1


@pytest.mark.django_db(transaction=True)
def test_the_real_thing_tells_what_it_cannot_reach_in_its_threads(flag: Flag, settings: Settings) -> None:
    settings.SELF_URL = "http://127.0.0.1:1"
    output = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("validate", "production", "--json", stdout=output)
    assert caught.value.returncode == 1
    results = json.loads(output.getvalue())["results"]
    assert {check for check, result in results.items() if not result["success"]} == {check.value for check in Check}
    assert "refused" in results["featureFunctionality"]["summary"]
    assert "MongoDB did not answer" in results["databaseIntegrity"]["summary"]
    assert "NCTOOL_MONGODB_URL" in results["databaseIntegrity"]["todo"][0]


@pytest.mark.django_db
@pytest.mark.parametrize("environment", ["nosuch", "production"])
def test_the_command_says_when_nothing_could_be_validated(
    environment: str, flag: Flag, operator_actor: Actor, now: datetime
) -> None:
    ValidationRun.objects.create(
        environment=environments.get("production"),
        started_at=now,
        started_by="olga",
        started_by_kind="person",
        lease_until=datetime.max.replace(tzinfo=now.tzinfo),
    )
    with pytest.raises(CommandError) as caught:
        call_command("validate", environment)
    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_a_token_that_operates_asks_and_reads(client: Client, flag: Flag, operator_actor: Actor, now: datetime) -> None:
    _, operate = tokens.create("pipeline", "production", ["operate"], actor=operator_actor, now=now)
    _, report = tokens.create("nctool", "production", ["report"], actor=operator_actor, now=now)
    mine = {"Authorization": f"Bearer {operate}"}
    assert client.post("/api/v1/validations", headers={"Authorization": f"Bearer {report}"}).status_code == 403
    answer = client.post("/api/v1/validations", headers=mine)
    assert (answer.status_code, answer.json()["success"]) == (202, None)
    assert client.post("/api/v1/validations", headers=mine).status_code == 409
    row = ValidationRun.objects.get()
    validation.run_due(now=row.started_at, every=timedelta(), apart=all_pass)
    one = client.get(f"/api/v1/validations/{row.pk}", headers=mine).json()
    assert (one["success"], one["results"]["securityCompliance"]["summary"]) == (True, "fine")
    assert [each["id"] for each in client.get("/api/v1/validations", headers=mine).json()] == [row.pk]
    assert client.get("/api/v1/validations/999999", headers=mine).status_code == 404
