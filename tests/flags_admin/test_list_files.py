"""Lists of npubs by file: previewed, refused whole when a line is bad, and downloaded again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from flags.models import AllowedUser, DeniedUser, FlagState

State = Callable[..., FlagState]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def send(client_as: Callable[[str], Client], state: State) -> Callable[..., Any]:
    """Send a file to one of the lists, as an operator with htmx."""
    client = client_as("operator")

    def post(content: bytes, step: str = "apply", kind: str = "allow", **form: Any) -> Any:
        row = state()
        file = SimpleUploadedFile("npubs.csv", content, "text/csv")
        form = {"file": file, "npubs": "", "mode": "add", "reason": "testers", "version": row.version, **form}
        return client.post(
            reverse(f"admin:flags_{kind}_list_edit", args=[row.pk]), {**form, "step": step}, headers=HTMX
        )

    return post


@pytest.mark.parametrize(("kind", "model"), [("allow", AllowedUser), ("deny", DeniedUser)])
def test_a_file_is_previewed_applied_and_downloaded_again(
    send: Callable[..., Any], state: State, client_as: Callable[[str], Client], kind: str, model: Any
) -> None:
    content = b"npub,name\nnpub1a,Max\nnpub1b,Eva\nnpub1a,Max\n=cmd(),x\n"
    told = send(content, step="preview", kind=kind).content.decode()
    assert "3 new npubs will be added; the list will have 3." in told
    assert "1</span> more than once" in told
    assert not model.objects.exists()
    done = send(content, kind=kind)
    assert done.headers["HX-Redirect"] == reverse(f"admin:flags_{kind}_list", args=[state().pk])
    file = client_as("viewer").get(reverse(f"admin:flags_{kind}_list_csv", args=[state().pk]))
    assert b"".join(file.streaming_content) == b"npub\r\nnpub1a\r\nnpub1b\r\n'=cmd()\r\n"
    assert f'filename="atomicMeltOperations-production-{kind}-list.csv"' in file.headers["Content-Disposition"]
    assert "2 in the list already" not in send(content, step="preview", kind=kind).content.decode()


def test_with_a_bad_line_every_bad_line_is_shown_and_nothing_is_loaded(send: Callable[..., Any]) -> None:
    content = b"npub1a\nnpub1 b\n" + b"x" * 201 + b"\nnpub1c\n"
    for step in ("preview", "apply"):
        told = send(content, step=step).content.decode()
        assert "2 lines cannot be read, so nothing was loaded." in told
        assert "has a blank inside" in told
        assert "has 201 characters; an npub has at most 200" in told
    assert not AllowedUser.objects.exists()


def test_of_several_columns_one_is_chosen(send: Callable[..., Any]) -> None:
    content = b"account,owner\nnpub1a,Max\nnpub1b,Eva\n"
    assert "Which column has the npubs?" in send(content, step="preview").content.decode()
    told = send(content, step="preview", column="account").content.decode()
    assert "2 new npubs will be added" in told
    assert 'name="column" value="account"' in told
    send(content, column="account")
    assert AllowedUser.objects.filter(npub="npub1a").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "The file is empty."),
        (b"M\xfcller", "Line 1 is not in UTF-8"),
        (b"PK\x03\x04\0\0", "save it as CSV, not as a workbook"),
        (b"a" * (12 * 1024 * 1024 + 1), "at most 12 MB are read"),
    ],
)
def test_a_file_that_is_no_list_says_what_to_do(send: Callable[..., Any], content: bytes, told: str) -> None:
    assert told in send(content).content.decode()
    assert not AllowedUser.objects.exists()


def test_a_file_and_pasted_npubs_are_not_mixed(send: Callable[..., Any]) -> None:
    assert "not both" in send(b"npub1a", npubs="npub1b").content.decode()


def test_a_file_over_a_changed_list_is_refused_and_goes_through_with_what_is_seen_then(
    send: Callable[..., Any], state: State
) -> None:
    seen = state().version
    send(b"meanwhile")
    told = send(b"mine", version=seen).content.decode()
    assert "This was changed by someone else while it was open." in told
    assert f'id="id_version" value="{state().version}" hx-swap-oob="true"' in told
    assert "HX-Redirect" in send(b"mine", version=state().version).headers


def test_100_000_npubs_come_by_file(send: Callable[..., Any], state: State) -> None:
    content = b"npub\n" + b"\n".join(b"npub1%058d" % number for number in range(100_000))
    assert "100,000 new npubs will be added" in send(content, step="preview").content.decode()
    assert "HX-Redirect" in send(content).headers
    assert state().allow_count == 100_000
    assert "at most 100,000 npubs" in send(b"one-more").content.decode()
