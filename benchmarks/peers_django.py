"""Flags inside of Django, each on a Django of its own."""

from __future__ import annotations

from typing import Any

from peers_flags import PERCENTS, Ask


def _django(apps: list[str], **settings: Any) -> None:
    import django
    from django.conf import settings as conf
    from django.core.management import call_command

    cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 100_000}}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    needed = ["django.contrib.auth", "django.contrib.contenttypes"]
    stores = {"CACHES": {"default": cache}, "DATABASES": {"default": database}}
    conf.configure(INSTALLED_APPS=[*needed, *apps], SECRET_KEY="x", **stores, **settings)
    django.setup()
    call_command("migrate", verbosity=0)


def waffle() -> Ask:
    """It draws lots for each new browser, and keeps the result in a cookie."""
    _django(["waffle"])
    from django.contrib.auth.models import AnonymousUser
    from django.http import HttpRequest
    from waffle import flag_is_active
    from waffle.models import Flag

    for key, percent in PERCENTS.items():
        Flag.objects.create(name=key, percent=percent)

    def ask(unit: str, keys: list[str]) -> object:
        request = HttpRequest()
        request.user = AnonymousUser()
        return [flag_is_active(request, key) for key in keys]

    return ask


def django_flags() -> Ask:
    """It has no percentages: the condition is ours, as its documentation tells one to write it."""
    from zlib import crc32

    told = {key: [{"condition": "share", "value": (key, percent)}] for key, percent in PERCENTS.items()}
    _django(["flags"], FLAGS=told, FLAG_SOURCES=("flags.sources.SettingsFlagsSource",))
    from flags.state import flag_enabled

    from flags import conditions  # django-flags, not our app: its package has the same name

    @conditions.register("share")
    def share(value: tuple[str, int], npub: str = "", **_: object) -> bool:
        return crc32(f"{value[0]}:{npub}".encode()) % 100 < value[1]

    return lambda unit, keys: [flag_enabled(key, npub=unit) for key in keys]
