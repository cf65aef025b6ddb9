from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from flags.models import AllowedUser, FlagState

State = Callable[..., FlagState]


@pytest.fixture
def send(client_as: Callable[[str], Client], state: State) -> Callable[..., Any]:
    client = client_as("operator")

    def post(npubs: str, step: str = "apply", mode: str = "add", **form: Any) -> Any:
        row = state()
        headers = form.pop("headers", None)
        form = {"npubs": npubs, "step": step, "mode": mode, "reason": "testers", "version": row.version, **form}
        return client.post(reverse("admin:flags_allow_list_edit", args=[row.pk]), form, headers=headers)

    return post


def npubs(state: State) -> list[str]:
    return list(AllowedUser.objects.filter(state_id=state().pk).order_by("id").values_list("npub", flat=True))


def said(answer: Any) -> str:
    return str(list(get_messages(answer.wsgi_request))[-1])


def test_a_preview_counts_new_listed_and_repeated_npubs_and_changes_nothing(
    send: Callable[..., Any], state: State
) -> None:
    send("a b")
    text = send("a, c; d\nd e\n c", step="preview", headers={"HX-Request": "true"}).content.decode()
    assert "3 new npubs will be added; the list will have 5." in text
    assert "already in the list" in text
    assert "more than once, for example" in text
    assert "4</span> are no whole npubs (npub1 and 58 characters)" in " ".join(text.split())
    assert "<textarea" not in text
    assert npubs(state) == ["a", "b"]


def test_whole_npubs_are_not_remarked_on(send: Callable[..., Any], state: State) -> None:
    text = send(f"npub1{'q' * 58}", step="preview", headers={"HX-Request": "true"}).content.decode()
    assert "1 new npub will be added" in text
    assert "no whole npub" not in text


def test_pasted_npubs_are_added_in_their_order_and_the_counts_told(send: Callable[..., Any], state: State) -> None:
    assert said(send("b a\nb")) == "2 added, 1 repeated in what you gave. The list has 2 npubs."
    assert said(send("a c")) == "1 added, 1 in the list already. The list has 3 npubs."
    assert said(send("a x", mode="remove")) == "1 removed, 1 not in the list. The list has 2 npubs."
    assert npubs(state) == ["b", "c"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "Paste at least one npub, or choose a file."),
        (" \n,;", "Paste at least one npub, or choose a file."),
        ("good\n" + "x" * 201, "Line 2: xxxxxxxxxxxxxxxxxxxxxxxx… has 201 characters"),
    ],
)
def test_a_bad_paste_names_what_is_wrong_and_changes_nothing(
    send: Callable[..., Any], state: State, text: str, told: str
) -> None:
    for headers in ({}, {"HX-Request": "true"}):
        assert told in send(text, headers=headers).content.decode()
    assert npubs(state) == []


def test_a_paste_over_a_changed_list_is_refused_with_all_that_was_pasted(
    send: Callable[..., Any], state: State
) -> None:
    seen = state().version
    send("meanwhile")
    answer = send("mine", version=seen)
    assert answer.status_code == 409
    assert "was changed by someone else" in answer.content.decode()
    assert "mine</textarea>" in answer.content.decode()
    assert send("mine", version=state().version).status_code == 302


def test_production_asks_for_a_reason(send: Callable[..., Any], state: State) -> None:
    assert "say why you change it" in send("a", reason="").content.decode()
    assert npubs(state) == []


def test_100_000_pasted_npubs_are_previewed_added_searched_and_removed(
    send: Callable[..., Any], state: State, client_as: Callable[[str], Client]
) -> None:
    text = "\n".join(f"npub1{number:058d}" for number in range(100_000))
    start = time.monotonic()
    preview = send(text, step="preview", headers={"HX-Request": "true"})
    assert "100,000 new npubs will be added" in preview.content.decode()
    assert len(preview.content) < 5_000
    assert said(send(text)) == "100,000 added. The list has 100,000 npubs."
    assert "at most 100,000 npubs" in send("one-more").content.decode()
    page = client_as("viewer").get(reverse("admin:flags_allow_list", args=[state().pk]), {"q": "0099999", "p": "7"})
    assert f"npub1{99_999:058d}" in page.content.decode()
    assert "100,000 removed" in said(send(text, mode="remove"))
    assert time.monotonic() - start < 60


def test_the_list_is_paged(send: Callable[..., Any], state: State, client_as: Callable[[str], Client]) -> None:
    send(" ".join(f"n{number:03d}" for number in range(120)))
    address = reverse("admin:flags_allow_list", args=[state().pk])
    first, last = (client_as("viewer").get(address, {"p": page}).content.decode() for page in ("1", "3"))
    assert ("n000" in first, "n050" in first, "51–100" in last, "n119" in last) == (True, False, False, True)
    assert "101–120 of 120" in last
