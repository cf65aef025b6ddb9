"""nctool's tokens and wallets in the admin, on a MongoDB that is real or away."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from migrations_app.admin import paging
from migrations_app.models import CashuToken
from nctool_rollout.roles import Role
from tests.migrations_app.conftest import connected

TOKENS = "/admin/migrations_app/cashutoken/"
WALLETS = "/admin/migrations_app/cashuwallet/"


def rows(response: Any) -> list[CashuToken]:
    return list(response.context["cl"].result_list)


def test_the_list_shows_the_newest_first_and_about_how_many_there_are(client: Client, many: list[Any]) -> None:
    page = client.get(TOKENS)
    assert [row.amount for row in rows(page)] == list(range(59, 34, -1))
    assert "About 60 tokens" in page.content.decode()
    assert [row.amount for row in rows(client.get(TOKENS, {"p": 3}))] == list(range(9, -1, -1))


def test_a_search_finds_an_npub_by_its_beginning_and_takes_no_pattern(client: Client, many: list[Any]) -> None:
    assert [row.amount for row in rows(client.get(TOKENS, {"q": many[7]["npub"]}))] == [7]
    assert len(rows(client.get(TOKENS, {"q": many[7]["npub"][:-1]}))) == 10
    assert rows(client.get(TOKENS, {"q": "npub1.*"})) == []
    assert rows(client.get(TOKENS, {"q": "bob"})) == []


def test_a_search_finds_a_token_by_the_id_that_a_validation_names(client: Client, many: list[Any]) -> None:
    assert [row.amount for row in rows(client.get(TOKENS, {"q": f" {many[7]['_id']} "}))] == [7]
    assert rows(client.get(TOKENS, {"q": "0" * 24})) == []


def test_filters_narrow_the_list_and_unknown_values_do_not(client: Client, many: list[Any], token: Any) -> None:
    assert client.get(TOKENS, {"status": "spent"}).context["cl"].result_count == 21
    assert client.get(TOKENS, {"status": "spent", "transaction_type": "melted"}).context["cl"].result_count == 1
    assert client.get(TOKENS, {"status": "pending"}).context["cl"].result_count == 0
    assert client.get(TOKENS, {"status": "no such"}).context["cl"].result_count == 61


def test_a_long_list_is_cut_and_never_counted_whole(
    client: Client, many: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST", 30)
    assert client.get(TOKENS).context["cl"].result_count == 30
    assert client.get(TOKENS, {"status": "unspent"}).context["cl"].result_count == 30
    assert client.get(TOKENS, {"status": "spent"}).context["cl"].result_count == 20


def test_a_page_shows_the_whole_document_and_escapes_it(client: Client, token: dict[str, Any]) -> None:
    text = client.get(reverse("admin:migrations_app_cashutoken_change", args=[token["_id"]])).content.decode()
    for shown in (token["npub"], "1234", "&quot;atomic_operation&quot;: true", "proofs", "&lt;b&gt;because"):
        assert shown in text
    assert "<b>because" not in text


@pytest.mark.parametrize("key", ["5f0000000000000000000000", "nonsense", "12"])
def test_a_document_that_is_not_there_is_not_found(client: Client, nctool: Any, key: str) -> None:
    assert client.get(f"{TOKENS}{key}/change/").status_code == 404


def test_documents_with_missing_and_odd_fields_are_shown(client: Client, nctool: Any) -> None:
    bare = nctool.cashutokens.insert_one({"npub": "npub1bare"}).inserted_id
    nctool.cashuwallets.insert_one({"npub": "npub1bare", "mint_url": "https://mint.example", "balance": {"sat": 5}})
    assert client.get(TOKENS).status_code == 200
    assert client.get(WALLETS).status_code == 200
    assert client.get(reverse("admin:migrations_app_cashutoken_change", args=[bare])).status_code == 200


def test_an_empty_database_is_no_error(client: Client, nctool: Any) -> None:
    for path in (TOKENS, WALLETS):
        for query in ({}, {"q": "npub1"}):
            page = client.get(path, query)
            assert (page.status_code, page.context["cl"].result_count) == (200, 0)


@pytest.mark.parametrize("role", [*Role, None])
@pytest.mark.parametrize("path", [TOKENS, WALLETS])
def test_every_role_may_look_and_nobody_may_change(
    signed_in: Callable[[Role | None], Client], token: dict[str, Any], role: Role | None, path: str
) -> None:
    browser = signed_in(role)
    assert browser.get(path).status_code == (403 if role is None else 200)
    one = f"{path}{token['_id']}/change/"
    assert browser.get(one).status_code == (403 if role is None else 200 if path == TOKENS else 404)
    assert browser.post(f"{path}{token['_id']}/delete/", {"post": "yes"}).status_code == 403
    assert browser.post(f"{path}add/", {"npub": "npub1new"}).status_code == 403
    assert browser.post(one, {"amount": 1}).status_code in {403, 404, 405}


def test_a_stranger_is_asked_to_sign_in(token: dict[str, Any], db: None) -> None:
    for path in (TOKENS, f"{TOKENS}{token['_id']}/change/"):
        assert Client().get(path).headers["Location"].startswith("/admin/login/")


def test_without_mongodb_the_pages_say_so_soon_and_the_rest_works(client: Client) -> None:
    with connected("mongodb://127.0.0.1:1/nctool"):
        for path in (TOKENS, WALLETS, f"{TOKENS}5f0000000000000000000000/change/"):
            began = time.monotonic()
            page = client.get(path)
            assert time.monotonic() - began < 20  # 30 where nobody gives up before the driver does
            assert page.status_code == 503
            assert "MongoDB does not answer" in page.content.decode()
        assert client.get("/admin/").status_code == 200


def test_a_mongodb_that_hangs_is_given_up_soon(client: Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with connected(f"mongodb://127.0.0.1:{port}/nctool"):
            began = time.monotonic()
            assert client.get(TOKENS).status_code == 503
            assert time.monotonic() - began < 20
