"""The OpenAPI document, and the page to try the API on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from ninja.openapi.schema import OpenAPISchema
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.sync_api import Page, expect

from flags.services import tokens
from nctool_rollout.api import api
from tests.conftest import KEY

OPENAPI = "/api/v1/openapi.json"


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    found: dict[str, Any] = Client().get(OPENAPI).json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, told) for path, methods in document["paths"].items() for method, told in methods.items()]


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_operation_has_a_summary_a_name_of_its_own_security_and_its_errors(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    ids = [told["operationId"] for _, _, told in operations(document)]
    assert len(set(ids)) == len(ids)
    for path, method, told in operations(document):
        assert told["summary"], path
        assert set(told["tags"]) <= tags, path
        assert told["security"], path
        assert {"401", "403", "429"} <= told["responses"].keys(), path
        if path.startswith("/api/") and method != "get":
            assert {"#/components/parameters/IdempotencyKey"} <= {each.get("$ref") for each in told["parameters"]}
            assert "409" in told["responses"], path


class Told(OpenAPISchema):
    """The document as ninja makes it, and all that was told under each name: of two it keeps the last."""

    def add_schema_definitions(self, definitions: dict[str, Any]) -> None:
        for name, told in definitions.items():
            self.__dict__.setdefault("all", {}).setdefault(name, []).append(told)
        super().add_schema_definitions(definitions)


def test_no_body_takes_the_place_of_another_with_its_name(document: dict[str, Any]) -> None:
    told = Told(api, "/").all
    used = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert used & told.keys()
    assert [name for name in used & told.keys() if any(each != told[name][0] for each in told[name])] == []


def test_the_doors_in_front_of_django_are_in_it(document: dict[str, Any]) -> None:
    assert {"/api/v1/snapshot", "/ofrep/v1/evaluate/flags"} <= document["paths"].keys()


def test_people_who_see_flags_see_the_page(client_as: Callable[[str], Client]) -> None:
    answer = client_as("viewer").get("/admin/api/")
    assert answer.status_code == 200
    assert "<script>" not in answer.content.decode()
    assert Client().get("/admin/api/").status_code == 302


def test_a_person_without_a_role_does_not(django_user_model: Any, db: None) -> None:
    client = Client()
    client.force_login(django_user_model.objects.create_user("nobody", is_staff=True))
    assert client.get("/admin/api/").status_code == 403


@pytest.mark.browser
def test_a_call_is_tried_on_the_page(page_as: Callable[..., Page], flag: object, operator_actor: Any, now: Any) -> None:
    text = tokens.create("try", "production", ["operate"], actor=operator_actor, now=now)[1]
    page = page_as("operator")
    page.goto("/admin/")
    unfolded = page.locator("#nav-sidebar-apps details[open]")
    assert unfolded.count() == 1, "the section of the page alone"
    page.locator("summary", has_text="Administration").press("Enter")  # by keyboard too
    page.locator('a[href="/admin/api/"]').first.click()
    page.get_by_role("button", name="Authorize").first.click()
    page.locator(".auth-container input").first.fill(text)
    page.locator(".modal-ux .authorize").first.click()
    page.locator(".modal-ux .btn-done").first.click()
    page.locator("#operations-flags-flags_flags .opblock-summary-control").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("200")
    expect(page.locator(".live-responses-table").first).to_contain_text(KEY)
