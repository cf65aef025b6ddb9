"""The settings, by environment only: what stops the start, what is told, what is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from core.proxy import client_address
from nctool_rollout import checks, env
from tests.system.running import BASE_DIR, System

PRODUCTION = {
    "DATABASE_URL": "postgres://rollout@localhost:1/rollout",
    "SECRET_KEY": "a7f3-b2d9-c8e1-4465-9f0b-1d2e-77aa-5b6c-e3f4-8899-0011-abcdefgh",
    "ALLOWED_HOSTS": "rollout.example.org",
    "REDIS_URL": "redis://localhost:1/0",
    "NCTOOL_MONGODB_URL": "mongodb://localhost:1/nctool",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
}


def test_production_without_a_secret_key_stops_with_a_sentence(tmp_path: Path) -> None:
    done = System(tmp_path).manage("check", **PRODUCTION | {"SECRET_KEY": ""})
    assert done.returncode == 1
    assert done.stderr.startswith("Not started: SECRET_KEY is not set.")
    assert "Traceback" not in done.stderr


def test_production_is_clean_for_deployment_with_its_key_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(PRODUCTION["SECRET_KEY"] + "\n")
    given = {name: value for name, value in PRODUCTION.items() if name != "SECRET_KEY"}
    done = System(tmp_path).manage(
        "check", "--deploy", "--fail-level", "WARNING", SECRET_KEY_FILE=str(tmp_path / "key"), **given
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.parametrize(
    ("reader", "value", "told"),
    [
        (lambda name: env.boolean(name, default=False), "perhaps", "write on or off"),
        (lambda name: env.integer(name, 1), "many", "not a whole number"),
        (lambda name: env.choice(name, ("INFO", "ERROR"), "INFO"), "loud", "one of INFO, ERROR"),
        (lambda name: env.zone(name, "UTC"), "Mars/Base", "not a time zone"),
        (env.database, "mysql://host/name", "not the URL of a PostgreSQL"),
        (env.database, "postgres://host:port/name", "cannot be read"),
        (lambda name: env.mail(name, "consolemail://"), "pigeon://roof", "cannot be read"),
    ],
)
def test_a_bad_value_is_told_by_its_name(
    reader: object, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_SETTING", value)
    with pytest.raises(Exception, match=f"SOME_SETTING.*{told}"):
        reader("SOME_SETTING")


def test_a_value_is_taken_as_it_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_SETTING", "$ecret with ${HOME}")
    assert env.text("SOME_SETTING") == "$ecret with ${HOME}"
    monkeypatch.setenv("SOME_SETTING_FILE", str(tmp_path / "missing"))
    with pytest.raises(Exception, match=r"SOME_SETTING_FILE=.* cannot be read: No such file"):
        env.text("SOME_SETTING")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"PORT": 70_000}, {"rollout.E001"}),
        ({"WEB_PROCESSES": 0, "WORKER_PROCESSES": 0}, {"rollout.E002"}),
        ({"STREAM_CONNECTIONS": 0, "USAGE_RETENTION_DAYS": 1, "SEEN_UNITS": -1}, {"rollout.E002"}),
        ({"PORT": 8000, "STREAM_PORT": 8000}, {"rollout.E011"}),
        ({"STREAM_URL": "/stream"}, {"rollout.E003"}),
        ({"REDIS_URL": "localhost:6379", "PUBLIC_URL": "rollout.example.org"}, {"rollout.E003"}),
        ({"EMAIL_LISTS": {"ALERT_EMAILS": ["ops@example.org"]}}, {"rollout.W001"}),
        ({"RUNNER_PROGRAMS": ["npm"]}, {"rollout.E012"}),
        (
            {"PRODUCTION": True, "DEBUG": True, "ALLOWED_HOSTS": [], "DATABASE_URL": ""},
            {f"rollout.{name}" for name in ("E004", "E005", "E006", "W002", "W003", "W004")},
        ),
    ],
)
def test_settings_that_do_not_fit_are_told_by_id(
    changes: dict[str, object], expected: set[str], settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    for name, value in changes.items():
        setattr(settings, name, value)
    found = checks.check()
    assert {message.id for message in found} == expected
    assert all(message.hint for message in found)


@pytest.mark.parametrize(
    ("https", "forwarded", "expected"),
    [(True, "6.6.6.6, 203.0.113.7", "203.0.113.7"), (True, "", "10.0.0.1"), (False, "203.0.113.7", "10.0.0.1")],
)
def test_a_sign_in_is_counted_for_the_address_that_the_proxy_saw(
    https: bool, forwarded: str, expected: str, settings: Settings, rf: RequestFactory
) -> None:
    settings.HTTPS = https
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected


def _read_anywhere() -> set[str]:
    """Every variable that the product's code reads from the environment."""
    reading = re.compile(
        r"""(?:env\.(?:text|boolean|integer|words|choice|zone|database|mail)\(|os\.environ(?:\.get\(|\[))\s*"([A-Z][A-Z_]+)\""""
    )
    apps = ("core", "flags", "monitoring", "migrations_app", "rollouts", "communications", "reports")
    folders = [BASE_DIR / name for name in (*apps, "nctool_rollout", "simulator")]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    return {name for file in files for name in reading.findall(file.read_text(encoding="utf-8"))}


def test_every_variable_is_documented_and_no_other() -> None:
    text = (BASE_DIR / "docs" / "configuration.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([A-Z][A-Z_]+)` \|", text, re.MULTILINE)
    assert len(table) == len(set(table))
    assert set(table) == _read_anywhere()
