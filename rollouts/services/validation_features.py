"""featureFunctionality: every flag answers over OFREP as it is configured, for listed npubs and for others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

import flags.selectors
from core.actors import Actor, ActorKind
from core.errors import NotFound
from flags.domain.configuration import EnvironmentConfig
from flags.domain.decision import Decision
from flags.domain.snapshot import Snapshot
from flags.selectors.configuration import configurations
from flags.services import tokens
from flags.services.tokens import Scope
from rollouts.adapters.validation_http import Answer, Http, Unreachable
from rollouts.domain.validation import Findings, Result, Subject, failed, few

ACTOR = Actor("validation", ActorKind.MACHINE)
LISTED = 5  # npubs of each list of each flag
OTHERS = tuple(f"npub1validation{number:02d}" for number in range(20))  # always the same: they count as users once
MOST = 200  # npubs that are asked for in all
PATIENCE = 10.0  # seconds until every process must know a new token
NEWS = 6.0  # seconds until every process must have heard of a change: they look every 5 s
ALL = "/ofrep/v1/evaluate/flags"


class Unanswered(Exception):
    """The product did not answer as OFREP wants it."""


@dataclass
class Asked:
    """How many answers of one flag were as configured, and those that were not."""

    right: int = 0
    on: int = 0
    wrong: list[str] = field(default_factory=list)


def check(subject: Subject, http: Http, *, address: str, pause: Callable[[float], None] = time.sleep) -> Result:
    """Ask by HTTP at `address`, with a token that is made for this run and revoked after it."""
    if not address:
        return failed(
            "No address of this product is known, so no flag could be asked.",
            "Set SELF_URL to where its web server answers, for example http://127.0.0.1:8000.",
        )
    config = _configured(subject.environment)
    if not config.flags:
        return failed("There is no flag in this environment.", "Load a playbook, or make a flag.")
    token, text = tokens.create(
        token_name(subject.run), subject.environment, [Scope.EVALUATE], actor=ACTOR, now=subject.now
    )
    try:
        return _asked(subject, Door(http, address, text, pause), config)
    except (Unreachable, Unanswered) as error:
        return failed(
            f"The flags could not be asked: {error}",
            "See that the web server answers at SELF_URL, and what its log says.",
        )
    finally:
        tokens.revoke(token.pk, actor=ACTOR, now=subject.now)


def token_name(run: int) -> str:
    """What the token of a run is called."""
    return f"validation {run}"


def end_token(run: int, *, now: datetime) -> None:
    """Revoke the token of a run that was lost."""
    for row in flags.selectors.tokens().filter(name=token_name(run), created_by=ACTOR.name, revoked_at=None):
        tokens.revoke(row.pk, actor=ACTOR, now=now)


class Door:
    """The product as nctool sees it."""

    def __init__(self, http: Http, address: str, token: str, pause: Callable[[float], None]) -> None:
        self._http, self._url, self.pause = http, f"{address.rstrip('/')}{ALL}", pause
        self._headers = {"Authorization": f"Bearer {token}", "X-Forwarded-Proto": "https"}
        self._left = PATIENCE

    def ask(self, npub: str) -> dict[str, Mapping[str, Any]]:
        """What every flag answers, by key. Processes that do not know the token yet get their time."""
        while True:
            answer = self._http.post(self._url, {"context": {"targetingKey": npub}}, headers=self._headers)
            if answer.status != 401 or self._left <= 0:
                return _read(answer, self._url)
            self.pause(0.5)
            self._left -= 0.5


def _read(answer: Answer, url: str) -> dict[str, Mapping[str, Any]]:
    if answer.status != 200:
        raise Unanswered(f"{url} answers {answer.status}: {answer.body[:200].decode(errors='replace')}")
    try:
        return {told["key"]: told for told in orjson.loads(answer.body)["flags"]}
    except (ValueError, KeyError, TypeError) as error:
        raise Unanswered(f"{url} answers something else than OFREP's list of flags.") from error


def _configured(environment: str) -> EnvironmentConfig:
    mark = flags.selectors.configuration_marks().get(environment)
    if mark is None:
        raise NotFound(f"{environment} has no configuration yet.")
    return configurations({environment: mark})[environment]


def _asked(subject: Subject, door: Door, config: EnvironmentConfig) -> Result:
    npubs = list(dict.fromkeys(_npubs(config)))[:MOST]
    found = _compare(door, config, npubs)
    odd = {npub for asked in found.values() for npub in asked.wrong}
    if odd:  # a flag that is changed meanwhile reaches the processes one after the other
        door.pause(NEWS)
        again = _compare(door, _configured(subject.environment), [npub for npub in npubs if npub in odd])
        for key, asked in found.items():
            later = again.get(key, Asked())
            asked.right += len(asked.wrong) - len(later.wrong)
            asked.wrong = later.wrong
    return _told(config, found, npubs)


def _npubs(config: EnvironmentConfig) -> Iterator[str]:
    for flag in config.flags:
        yield from sorted(flag.allowed)[:LISTED]
        yield from sorted(flag.denied)[:LISTED]
    yield from OTHERS


def _compare(door: Door, config: EnvironmentConfig, npubs: list[str]) -> dict[str, Asked]:
    snapshot = Snapshot(config)
    found = {key: Asked() for key in snapshot.keys}
    for npub in npubs:
        told = door.ask(npub)
        for key, asked in found.items():
            decision = snapshot.decide(key, npub, {"targetingKey": npub})
            if _agrees(told.get(key, {}), decision):
                asked.right += 1
                asked.on += decision.value is True
            else:
                asked.wrong.append(npub)
    return found


def _agrees(told: Mapping[str, Any], decision: Decision) -> bool:
    """The same reason and variant, and the same value where there is one."""
    value = decision.value if decision.has_value else None
    wanted = (value, decision.variant, decision.reason.value)
    return (told.get("value"), told.get("variant"), told.get("reason")) == wanted


def _told(config: EnvironmentConfig, asked: Mapping[str, Asked], npubs: list[str]) -> Result:
    found = Findings()
    listed = {npub for flag in config.flags for npub in (*flag.allowed, *flag.denied)}
    here = sum(npub in listed for npub in npubs)
    found.tell("npubs", f"{len(npubs)}: {here} of allow-lists and deny-lists, {len(npubs) - here} others")
    for flag in config.flags:
        one = asked[flag.key]
        state = f"on for {float(flag.percentage):g} %" if flag.enabled else "disabled"
        value = f"{state}; {one.right} of {len(npubs)} answers as configured, {one.on} of them on"
        if one.wrong:
            value += f"; not for {few(one.wrong)}"
        found.judge(
            flag.key,
            value,
            ok=not one.wrong,
            todo="Ask Why for an npub what these npubs should get, and see on the page of clients whether a process "
            "holds an old configuration. Restart the web server when one does.",
        )
    return found.result(
        f"All {len(config.flags)} flags answer over OFREP as configured.",
        f"{{}} wrong: flags that do not answer as configured, of {len(config.flags)}.",
    )
