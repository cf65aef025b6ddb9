"""A flag is made over REST and from the shell, by the service of the form."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from flags import selectors
from flags.models import Flag
from flags.services import tokens

pytestmark = pytest.mark.django_db
COLOURS = [{"key": "red", "value": "#f00"}, {"key": "blue", "value": "#00f"}]


def post(token: str, body: dict[str, Any]) -> Any:
    client = Client(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.post("/api/v1/flags", json.dumps(body), content_type="application/json")


def shell(*arguments: str) -> str:
    out = io.StringIO()
    call_command("flag", "create", *arguments, stdout=out)
    return out.getvalue()


def test_rest_makes_a_flag_that_is_off_in_every_environment(token: str) -> None:
    made = post(token, {"key": "colour", "name": "Colour", "type": "string", "variants": COLOURS, "group": "shop"})
    assert (made.status_code, made.headers["Location"]) == (201, "/api/v1/flags/colour")
    told = made.json()
    assert (told["type"], told["variants"], told["environment"], told["enabled"]) == (
        "string",
        COLOURS,
        "production",
        False,
    )
    assert selectors.states().filter(flag__key="colour", enabled=False).count() == 4


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"key": "a b"}, 422, "key"),
        ({"type": "date"}, 422, "type"),
        ({"type": "number"}, 422, "variants"),
        ({"parameter_schema": {"pattern": "(a+)+$"}}, 422, "parameter_schema"),
        ({"colour": "red"}, 422, "colour"),
        ({"key": "atomicMeltOperations"}, 409, None),
    ],
)
def test_rest_names_the_field_that_is_wrong(token: str, body: dict[str, Any], status: int, field: str | None) -> None:
    answer = post(token, {"key": "new", "name": "New", **body})
    assert (answer.status_code, answer.json().get("field")) == (status, field)
    assert Flag.objects.count() == 1


def test_rest_makes_no_flag_for_a_token_that_may_only_ask(token: str, operator_actor: Any, now: Any) -> None:
    _, asking = tokens.create("reader", "production", ["evaluate"], actor=operator_actor, now=now)
    assert post(asking, {"key": "new", "name": "New"}).status_code in (401, 403)
    assert not Flag.objects.filter(key="new").exists()


@pytest.mark.usefixtures("all_environments")
def test_the_shell_makes_a_flag_and_refuses_what_is_no_json() -> None:
    said = shell("colour", "--name", "Colour", "--type", "string", "--variants", '{"red": "#f00", "blue": "#00f"}')
    assert said.startswith("colour is there, off in every environment.")
    assert Flag.objects.get().variants == COLOURS
    told = json.loads(shell("size", "--name", "Size", "--json", "--parameter-schema", '{"maxProperties": 2}'))
    assert (told["key"], told["parameter_schema"]) == ("size", {"maxProperties": 2})
    for wrong, words in ((["--variants", "[1]"], "is a JSON object"), (["--variants", "{"], "is not JSON")):
        with pytest.raises(CommandError, match=words):
            shell("third", "--name", "Third", *wrong)
    with pytest.raises(CommandError, match="already"):
        shell("size", "--name", "Again")
