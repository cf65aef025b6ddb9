"""Pages, filters and conditional requests of /api/v1/flags."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from core.actors import Actor
from flags.domain.bucketing import Bucketing
from flags.models import Flag
from flags.services import registry, rollout

pytestmark = pytest.mark.django_db
KEY = "atomicMeltOperations"
ROOT = f"/api/v1/flags/{KEY}"


@pytest.fixture
def api(token: str) -> Client:
    return Client(HTTP_AUTHORIZATION=f"Bearer {token}")


@pytest.fixture
def five(flag: Flag, operator_actor: Actor, now: datetime) -> None:
    """Four more flags, at 10 to 40 %; the last two are on."""
    for number in range(1, 5):
        key = f"flag-{number}"
        registry.define(
            key,
            name=f"Number {number}",
            description="",
            bucketing=Bucketing.MURMUR3,
            actor=operator_actor,
            reason="r",
            now=now,
        )
        rollout.set_rollout(key, "production", number * 10, actor=operator_actor, reason="r", now=now)
        if number > 2:
            rollout.enable(key, "production", actor=operator_actor, reason="r", now=now)


def keys(answer: Any) -> list[str]:
    return [row["key"].removeprefix("flag-") for row in answer.json()]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [KEY, "1", "2", "3", "4"]),
        ("q=FLAG-", ["1", "2", "3", "4"]),
        ("q=number+3", ["3"]),
        ("q=%25", []),
        ("enabled=true", ["3", "4"]),
        ("enabled=false&sort=-key", ["2", "1", KEY]),
        ("sort=-percentage&limit=2", ["4", "3"]),
        ("sort=percentage&limit=2&page=2", ["2", "3"]),
        ("page=9", []),
    ],
)
def test_flags_are_filtered_sorted_and_cut(api: Client, five: None, query: str, expected: list[str]) -> None:
    assert keys(api.get(f"/api/v1/flags?{query}")) == expected


def test_the_headers_lead_through_the_pages(api: Client, five: None) -> None:
    seen: list[str] = []
    url: str | None = "/api/v1/flags?limit=2&sort=-key"
    while url:
        answer = api.get(url)
        assert answer["Total-Count"] == "5"
        seen += keys(answer)
        links = {rel: link for link, rel in (part.rsplit("; rel=", 1) for part in answer["Link"].split(", "))}
        url = links.get('"next"', "").strip("<>") or None
    assert seen == ["4", "3", "2", "1", KEY]
    assert set(links) == {'"first"', '"prev"', '"last"'}


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "page=0", "sort=name", "enabled=maybe"])
def test_a_wrong_page_is_told(api: Client, query: str) -> None:
    refused = api.get(f"/api/v1/flags?{query}")
    assert refused.status_code == 422
    assert refused.json()["field"] == query.partition("=")[0]


def test_a_list_takes_a_fixed_number_of_queries(api: Client, five: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):  # the token, the count, the rows
        api.get("/api/v1/flags?limit=2")
    with django_assert_num_queries(3):
        api.get("/api/v1/flags")


def test_what_the_caller_has_is_not_sent_again(api: Client, operator_actor: Actor, now: datetime) -> None:
    first = api.get(ROOT)
    for known in (first["ETag"], f"W/{first['ETag']}", f'"x", {first["ETag"]}', "*"):
        again = api.get(ROOT, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    rollout.set_rollout(KEY, "production", 5, actor=operator_actor, reason="r", now=now)
    assert api.get(ROOT, headers={"If-None-Match": first["ETag"]}).status_code == 200


def send(api: Client, etag: str, **body: Any) -> Any:
    said = json.dumps({"percentage": 5, "reason": "r", **body})
    return api.post(f"{ROOT}/rollout", said, content_type="application/json", headers={"If-Match": etag})


def test_a_change_is_made_to_what_was_seen_or_not_at_all(api: Client) -> None:
    seen = api.get(ROOT)["ETag"]
    done = send(api, seen)
    assert (done.status_code, done.json()["percentage"]) == (200, 5)
    assert done["ETag"] == api.get(ROOT)["ETag"] != seen

    refused = send(api, seen, percentage=7)
    assert refused.status_code == 412
    assert "was changed by someone else (you saw version 1, it is now 2)" in refused.json()["detail"]
    assert refused.json()["version"] == 2
    assert send(api, f"W/{done['ETag']}", percentage=8).status_code == 200
    assert send(api, "*", percentage=9).status_code == 200
    assert send(api, '"nonsense"').status_code == 412
    assert send(api, '"4.1"', version=3).status_code == 422
    assert api.get(ROOT).json()["percentage"] == 9


def test_a_changed_definition_counts_too(api: Client, flag: Flag) -> None:
    seen = api.get(ROOT)["ETag"]
    Flag.objects.filter(pk=flag.pk).update(version=flag.version + 1)
    assert api.get(ROOT)["ETag"] != seen
    assert send(api, seen).status_code == 412
