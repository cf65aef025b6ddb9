"""What a test needs to drive the admin in a real Chromium.

A browser test is marked and asks for a page of one of the four people:

    pytestmark = pytest.mark.browser

    def test_an_operator_raises_a_flag(page_as, flag):
        page = page_as("operator")           # signed in; the data of the test is there
        page.goto("/admin/flags/flagstate/")  # relative to the test's own server
        expect(page.get_by_text("atomicMeltOperations").first).to_be_visible()

- `page_as(role, width=1440, height=900, dark=False)`: a page signed in as viewer, operator, approver or administrator.
  At the end the test fails when a page broke the content security policy or a script of it threw.
- `RENEWS`: what renews itself has done so when that much has passed. `page.clock.install()` before the first address,
  then `page.clock.fast_forward(RENEWS)` in place of waiting.
- `web`: the address of the test's server: the whole of `nctool_rollout.wsgi`, in threads, on the test's database.
- `person(role)`, `client_as(role)`: the user with this role; Django's test client signed in as that user (no browser).

The browser is the one that `CHROMIUM` names, or a `chromium`, `chromium-browser` or `google-chrome` on the PATH.
Database: tests with `web` or `page_as` run on a real database file and commit (`transactional_db`).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from nctool_rollout.roles import Role, setup_roles
from tests.servers import CHROMIUM_MISSING, chromium_path

RENEWS = 5_000  # milliseconds: the longest of the pages that are tested
PATIENCE = 20_000  # milliseconds: a slow machine is no flaw of the page


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the session; each page has a context of its own."""
    path = chromium_path()
    if path is None:
        pytest.fail(CHROMIUM_MISSING)
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in the thread of the tests
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Nothing: the tests look at the pages."""


@pytest.fixture
def web(transactional_db: None) -> Iterator[str]:
    """The address of the product's own WSGI application, served for this test."""
    from nctool_rollout.wsgi import application

    server = ThreadedWSGIServer(("127.0.0.1", 0), _Quiet)
    server.daemon_threads = True
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(5)


def group_of(role: Role) -> Group:
    """Everybody with this role. A test that commits empties all tables at its end, also those of the roles."""
    if not Group.objects.filter(name=role).exists():
        setup_roles()
    return Group.objects.get(name=role)


@pytest.fixture
def person(db: None) -> Callable[[str], Any]:
    """The user who has one role, made at the first call."""

    def get(role: str) -> Any:
        users = get_user_model().objects
        found = users.filter(username=role).first()
        if found is None:
            found = users.create_user(role, password=role, is_staff=True)
            found.groups.add(group_of(Role(role)))
        return found

    return get


@pytest.fixture
def client_as(person: Callable[[str], Any]) -> Callable[[str], Client]:
    """Django's test client, signed in with one role."""

    def get(role: str) -> Client:
        client = Client()
        client.force_login(person(role), "django.contrib.auth.backends.ModelBackend")
        return client

    return get


@pytest.fixture
def page_as(chromium: Browser, web: str, client_as: Callable[[str], Client]) -> Iterator[Callable[..., Page]]:
    """A page of the running admin, signed in with one role."""
    complaints: list[str] = []
    open_contexts = ExitStack()

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            complaints.append(message.text)

    def get(role: str, *, width: int = 1440, height: int = 900, dark: bool = False, zone: str = "UTC") -> Page:
        context = chromium.new_context(
            base_url=web,
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
            timezone_id=zone,
        )
        open_contexts.callback(context.close)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client_as(role).cookies[name].value, "url": web}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield get
    open_contexts.close()
    assert not complaints, "\n".join(complaints)
