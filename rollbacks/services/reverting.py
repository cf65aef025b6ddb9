"""The steps that take something back: flags, the application, the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import flags.selectors
from core import migrated
from core.actors import Actor, ActorKind
from core.errors import DomainError
from flags.services import emergency
from rollbacks.adapters.ports import Cluster, Connect
from rollbacks.domain.deciding import STATUS_LIMIT
from rollbacks.domain.deployment import ClusterError, Deployed
from rollbacks.domain.outcome import Done, Failed, Outcome, Waiting
from rollbacks.models import Rollback
from rollbacks.services import planning
from rollbacks.services.claiming import Claim

WATCH = 5.0  # seconds of `rollout status` at one go: a worker has other things to do than to wait for pods
LOST = "Somebody else has taken this step; what was done is read from the deployment."


def switch_off(claim: Claim, *, now: datetime) -> Outcome:
    """Every planned flag that is still on goes off, all with the id of this rollback, in the caller's transaction."""
    row, where = claim.rollback, claim.rollback.environment.key
    planned = [flag["key"] for flag in claim.step.what["flags"]]
    on = [state.flag.key for state in flags.selectors.states(where) if state.flag.key in planned and state.enabled]
    for key in on:
        emergency.roll_back(
            key,
            where,
            actor=_on_behalf(row),
            reason=row.reason,
            now=now,
            evidence={"rollback": row.public_id, "told": row.evidence.get("told", "")},
            rollback_id=row.public_id,
        )
    already = [key for key in planned if key not in on]
    told = [f"Off: {', '.join(on)}." if on else "", f"Off already: {', '.join(already)}." if already else ""]
    version = flags.selectors.configuration_versions().get(where, 0)
    return Done(" ".join(part for part in told if part), {"configuration": version, "at": now.isoformat()})


def database(claim: Claim, *, now: datetime) -> Outcome:
    """One migration run is taken back by the app that made it, which may take hours: the step waits for it."""
    row = claim.rollback
    try:
        found = migrated.take_back(claim.step.what["uid"], actor=_on_behalf(row), reason=row.reason, now=now)
    except DomainError as refusal:
        return Failed(str(refusal))
    return Done(found.told) if found.done else Waiting(found.told)


def application(claim: Claim, *, now: datetime, connect: Connect) -> Outcome:
    """Bring the Deployment back to the pod template of the plan, and see that its pods are there.

    The object is read first, always: revision numbers move, and an undo that is done twice brings the bad version
    back. What is live decides whether there is still something to do.
    """
    what = claim.step.what
    if what["by_hand"]:
        return Failed(f"{what['by_hand'].rstrip('.')}. Run the commands by hand and record the result.")
    place = planning.place_of(claim.rollback.environment)
    if place is None:
        return Failed("The application is not set up any more. Run the commands by hand and record the result.")
    cluster = connect(place)
    try:
        deployed = cluster.look()
        if deployed.uid != what["uid"]:
            return Failed("The deployment was deleted and made anew since this was confirmed: ask for it again.")
        if deployed.template == what["target_template"]:
            return _wait(claim, cluster, deployed, now=now)
        return _undo(claim, cluster, deployed, now=now)
    except ClusterError as error:
        return Failed(str(error))


def _undo(claim: Claim, cluster: Cluster, deployed: Deployed, *, now: datetime) -> Outcome:
    """One undo, to the revision that has the template by this minute; whether it worked is read from the object."""
    what = claim.step.what
    if deployed.template != what["template"]:
        return Failed(
            f"Somebody has deployed {deployed.image} since this was confirmed (then: {what['image']}). "
            "Abort this, and ask for a rollback of what runs now."
        )
    if deployed.paused:
        return Failed("The deployment is paused, so kubectl refuses: resume it (kubectl rollout resume), then retry.")
    target = deployed.of_template(what["target_template"])
    if target is None:
        return Failed(f"The revision with {what['target_image']} is not kept any more. Abort this, and ask again.")
    intent = {
        "uid": deployed.uid,
        "revision": deployed.revision,
        "template": deployed.template,
        "target_template": target.template,
        "target_revision": target.number,
        "at": now.isoformat(),
    }
    if not claim.journal(intent=intent):
        return Failed(LOST)
    told = cluster.undo(target.number)
    after = cluster.look()
    if after.template != what["target_template"]:
        return Failed(f"kubectl said: {told.strip()} But {after.image} is still what the deployment asks for.")
    return Waiting(f"Undone to revision {target.number} ({target.image}); now waiting for its pods.")


def _wait(claim: Claim, cluster: Cluster, deployed: Deployed, *, now: datetime) -> Outcome:
    """The target is what the deployment asks for: done when its pods are there, for at most 300 s."""
    began = _since(claim.step.journal)
    if began is None:
        began = now
        if not claim.journal(waiting_since=now.isoformat()):
            return Failed(LOST)
    left = int((began + STATUS_LIMIT - now).total_seconds())
    if left <= 0 and not deployed.settled:
        return Failed(
            f"After {STATUS_LIMIT.seconds} s {deployed.available} of {deployed.wanted} pods are available. "
            "Look at the pods, then retry: it goes on waiting, and undoes nothing again."
        )
    said = cluster.status(timeout=max(1, left), watch=WATCH)
    after = cluster.look()
    if said is None or not after.settled:
        return Waiting(f"{after.available} of {after.wanted} pods are available.")
    pods = [pod for pod in cluster.pods() if pod.ready and pod.image == claim.step.what["target_image"]]
    return Done(f"Revision {after.revision} ({after.image}) is live, {len(pods)} pods of it ready: {_names(pods)}.")


def _since(journal: Mapping[str, Any]) -> datetime | None:
    """Since when it waits; after a retry anew, which the retry has said by taking it out of the journal."""
    text = journal.get("waiting_since", "")
    return datetime.fromisoformat(text) if text else None


def _names(pods: list[Any]) -> str:
    return ", ".join(pod.name for pod in pods[:20]) or "none"


def _on_behalf(row: Rollback) -> Actor:
    """Whose word it is done on."""
    return Actor(row.confirmed_by, ActorKind.PERSON)


def waited(journal: Mapping[str, Any]) -> dict[str, Any]:
    """The journal for another try: what was done stays, the time to wait begins anew."""
    return {name: value for name, value in journal.items() if name not in ("waiting_since", "run", "lost")}
