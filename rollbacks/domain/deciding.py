"""Who may confirm a rollback, and when it is too late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from core.actors import Actor, ActorKind

EXPIRES_AFTER = timedelta(hours=1)  # whoever wants it an hour later looks at it again
STATUS_LIMIT = timedelta(seconds=300)  # seed: kubectl rollout status --timeout=300s
SERVED_LIMIT = timedelta(seconds=60)  # an instance that has not the new configuration by then needs a person
LEASE = timedelta(seconds=30)  # longer than anything a step does in one go


def not_allowed(actor: Actor, contributors: Collection[str], *, emergency: bool) -> str:
    """Why this actor may never confirm the rollback; empty when it may. In an emergency one person is enough."""
    if actor.kind is not ActorKind.PERSON:
        return f"Only a person confirms, signed in; {actor.name} is a {actor.kind.value}."
    if actor.name in contributors and not emergency:
        return f"{actor.name} asked for this, or made the token that did: another person has to confirm it."
    return ""


def lane(*, triggers: Collection[str], alerts: Collection[str], others: Collection[str] = ()) -> str:
    """Why the emergency lane of an environment is open, in a sentence; empty: it is closed.

    `others` are what apps above know to be an emergency, in words.
    """
    told = [f"trigger {name} has fired" for name in triggers] + [f"critical alert {name} fires" for name in alerts]
    told += others
    return f"The emergency lane is open: {', '.join(told)}." if told else ""
