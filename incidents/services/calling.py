"""People are called by the escalation chains of the app `oncall`."""

from __future__ import annotations

from datetime import datetime

from core import environments, events
from core.actors import Actor
from core.errors import DomainError, NotFound
from oncall.services import escalating

REASON = "The incident is over."


class Chains:
    """A pager: one live escalation for each incident, by the chain of its level."""

    def start(
        self, *, subject: str, chain: str, title: str, level: int, environment: str, actor: Actor, now: datetime
    ) -> None:
        """Begin, or go over to the chain of the new level. An incident opens also when nobody can be called; then
        that is an event of its own, which is announced."""
        try:
            try:
                escalating.raise_level(subject, level, chain=chain, actor=actor, reason=f"Level {level}.", now=now)
            except NotFound:
                escalating.start(
                    subject, chain=chain, title=title, level=level, environment=environment, actor=actor, now=now
                )
        except DomainError as error:
            events.record(
                "escalation.impossible",
                subject=subject,
                actor=actor,
                reason=f"Nobody is called: {error}",
                environment_id=environments.get(environment).pk,
                data={"title": title, "level": level, "chain": chain},
                now=now,
            )

    def acknowledge(self, *, subject: str, actor: Actor, now: datetime) -> None:
        try:
            escalating.acknowledge(subject, actor=actor, now=now)
        except NotFound:
            return  # its level has no chain, or it was exhausted

    def stop(self, *, subject: str, actor: Actor, now: datetime) -> None:
        escalating.stop(subject, actor=actor, reason=REASON, now=now)
