"""One contestant of benchmarks/evaluation_peers.py, in a process of its own: `python benchmarks/peers.py NAME`.

It prints `ready <version>`, and then for each line with a number of flags the nanoseconds of CPU that one request took
for a new npub: from the npub to that many answers, with whatever object the SDK wants for a user.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import peers_django
import peers_sdks
from peers_flags import FLAGS, KEYS, PERCENTS, Ask

ROOT = Path(__file__).parent.parent
UNITS = 100  # npubs between two looks at the clock
LEAST = 20_000_000  # nanoseconds of CPU that one round lasts at least


def ours() -> Ask:
    sys.path.insert(0, str(ROOT))
    from flags.domain.bucketing import Bucketing
    from flags.domain.configuration import EnvironmentConfig, FlagConfig
    from flags.domain.snapshot import Snapshot

    def made(bucketing: Bucketing, key: str, percent: int) -> FlagConfig:
        return FlagConfig(key, bucketing, f"salt of {key}", enabled=True, percentage=Decimal(percent))

    kind = Bucketing.JS31 if sys.argv[1].endswith("js31") else Bucketing.MURMUR3
    snapshot = Snapshot(
        EnvironmentConfig("e", 1, flags=tuple(made(kind, key, percent) for key, percent in PERCENTS.items()))
    )

    def ask(unit: str, keys: list[str]) -> object:
        if len(keys) == FLAGS:
            return snapshot.decide_all(unit)
        return [snapshot.is_on(key, unit) for key in keys]

    return ask


def our_client() -> Ask:
    sys.path.insert(0, str(ROOT / "clients" / "python" / "src"))
    from nctool_flags.evaluation import Evaluator

    def flag(key: str, percent: int) -> dict[str, Any]:
        fixed = {"type": "boolean", "enabled": True, "bucketing": "murmur3", "serve": "on", "off": "off"}
        variants = {"on": True, "off": False}
        lists: dict[str, list[object]] = {"allow": [], "deny": [], "prerequisites": [], "rules": []}
        told = {"key": key, "salt": f"salt of {key}", "percentage": percent, "variants": variants, "parameters": {}}
        return {**fixed, **lists, **told}

    flags = [flag(key, percent) for key, percent in PERCENTS.items()]
    head = {"format": 1, "environment": "e", "version": 1, "changedAt": "", "segments": {}}
    client = Evaluator({**head, "flags": flags})
    return lambda unit, keys: [client.is_on(key, unit) for key in keys]


CONTESTANTS: dict[str, tuple[str, Callable[[], Ask]]] = {
    "ours, js31": ("", ours),
    "ours, murmur3": ("", ours),
    "ours, client library": ("", our_client),
    "GrowthBook": ("growthbook", peers_sdks.growthbook),
    "LaunchDarkly": ("launchdarkly-server-sdk", peers_sdks.launchdarkly),
    "Eppo": ("eppo-server-sdk", peers_sdks.eppo),
    "Statsig": ("statsig", peers_sdks.statsig),
    "Unleash": ("UnleashClient", peers_sdks.unleash),
    "PostHog": ("posthog", peers_sdks.posthog),
    "Flagsmith": ("flagsmith", peers_sdks.flagsmith),
    "django-waffle": ("django-waffle", peers_django.waffle),
    "django-flags": ("django-flags", peers_django.django_flags),
}


def main() -> None:
    sys.path[:] = [path for path in sys.path if path and Path(path).resolve() not in {ROOT, Path(__file__).parent}]
    package, prepare = CONTESTANTS[sys.argv[1]]
    shown, sys.stdout = sys.stdout, io.StringIO()  # SDKs greet
    try:
        ask = prepare()
        ask("npub1first", KEYS)  # whoever reads something the first time has read it
        share = sum(_is_on(ask(f"npub1{number:058d}", KEYS[49:50])) for number in range(400)) / 400
    except Exception as error:
        print(f"skip {type(error).__name__}: {error}".replace("\n", " ")[:200], file=shown, flush=True)
        return
    told = version(package) if package else "-"
    if not 0.4 < share < 0.6:
        print(f"skip a flag at 50 % was on for {100 * share:.0f} %", file=shown, flush=True)
        return
    print(f"ready {told}", file=shown, flush=True)
    number = 10**6
    for line in sys.stdin:
        with contextlib.redirect_stderr(io.StringIO()):
            print(f"{_round(ask, KEYS[: int(line)], number):.0f}", file=shown, flush=True)
        number += 10**6
    os._exit(0)  # some SDKs have threads that never end


def _round(ask: Ask, keys: list[str], number: int) -> float:
    """Nanoseconds of CPU for each request, over npubs that begin with this number."""
    spent = asked = 0
    step = max(1, UNITS // len(keys))
    while spent < LEAST:
        units = [f"npub1{number + asked + place:058d}" for place in range(step)]
        start = time.thread_time_ns()
        for unit in units:
            ask(unit, keys)
        spent += time.thread_time_ns() - start
        asked += step
    return spent / asked


def _is_on(answers: Any) -> bool:
    return bool(answers[0])


if __name__ == "__main__":
    main()
