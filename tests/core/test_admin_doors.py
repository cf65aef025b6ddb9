from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

OPEN = {"admin:login", "admin:logout", "admin:jsi18n"}


def _addresses(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, route)
        elif pattern.name and f"admin:{pattern.name}" not in OPEN:
            yield str(pattern.name), route


def _filled(route: str) -> str:
    """With 1 for each argument; the catch-all pattern of the admin is left out."""
    parts = route.lstrip("^").split("/")
    return "/" + "/".join("1" if part.startswith("<") else part for part in parts)


def addresses() -> list[tuple[str, str]]:
    admin.autodiscover()
    found = dict(_addresses(get_resolver().url_patterns, ""))
    return sorted((name, _filled(route)) for name, route in found.items() if "admin/" in route and "(?P" not in route)


def test_there_are_pages_to_try() -> None:
    assert len(addresses()) > 100


@pytest.mark.django_db
def test_nobody_gets_past_the_sign_in_of_any_page_by_any_method(client: Client) -> None:
    for name, address in addresses():
        for answer in (client.get(address), client.post(address), client.get(address, headers={"HX-Request": "true"})):
            where = answer.headers.get("Location", "")[:13]
            assert (answer.status_code, where) == (302, "/admin/login/"), f"{name} {address}: {answer}"


@pytest.mark.django_db
@pytest.mark.parametrize("number", ["²", "9" * 30, "9" * 5_000, "x"])
def test_a_page_of_what_is_no_number_is_not_there(admin_client: Client, number: str) -> None:
    """A superscript two is a digit to Python, and no number."""
    named = [(name, address) for name, address in addresses() if name.endswith("_change") and "/1/" in address]
    pages = [address for name, address in named if "migrations_app" not in name]
    assert len(pages) > 30
    for address in pages:
        answer = admin_client.get(address.replace("/1/", f"/{number}/"))
        assert answer.status_code in (302, 404), address


@pytest.mark.races  # for the database: PostgreSQL keeps no name longer than its column
@pytest.mark.django_db
def test_a_name_longer_than_any_is_refused_as_others_and_counted(client: Client) -> None:
    for expected in (*[200] * 4, 429):
        answer = client.post("/admin/login/", {"username": "x" * 5_000, "password": "x"})
        assert answer.status_code == expected


@pytest.mark.parametrize("address", ["/admin/flags/flagstate/at/production/a%00/", "/api/v1/flags/a%00"])
def test_what_no_database_could_look_up_is_not_there(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.races
@pytest.mark.django_db
def test_a_list_is_not_asked_for_what_no_database_could_look_for(admin_client: Client) -> None:
    answer = admin_client.get("/admin/monitoring/trigger/?state=%00&q=%00&key=%00")
    assert answer.status_code == 200
