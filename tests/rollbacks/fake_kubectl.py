"""A kubectl that behaves as the real one does towards one Deployment, which it keeps in the file that KUBECONFIG names.

What it prints and how it numbers revisions was recorded from kubectl 1.32 at a real API server: an undo gives the old
template a new number; one to a number that is gone fails; one to the live template does nothing and succeeds.
`faults` in the file make a command hang, refuse, or leave its pods unready. Every call is noted under `calls`.
"""

from __future__ import annotations

import json
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # it is started some thousand times, and a third of that time went into these and `pathlib`
    from typing import Any, NoReturn

FILE = os.environ["KUBECONFIG"]
with open(FILE) as _file:
    STATE: dict[str, Any] = json.load(_file)


def keep() -> None:
    with open(f"{FILE}.new", "w") as file:
        json.dump(STATE, file)
    os.replace(f"{FILE}.new", FILE)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def die(message: str) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(1)


def options(arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    words = [word for word in arguments if not word.startswith("--")]
    return words, dict(word[2:].split("=", 1) for word in arguments if word.startswith("--"))


def template(image: str, hash_: str = "") -> dict[str, Any]:
    labels = {"app": "nctool", **({"pod-template-hash": hash_} if hash_ else {})}
    return {
        "metadata": {"creationTimestamp": None, "labels": labels},
        "spec": {"containers": [{"name": "nctool", "image": image, "env": [{"name": "API_TOKEN", "value": "s3cret"}]}]},
    }


def deployment() -> dict[str, Any]:
    ready = STATE["ready"]
    conditions = [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]
    return {
        "kind": "Deployment",
        "metadata": {"name": "nctool", "uid": STATE["uid"], "generation": STATE["generation"]},
        "spec": {"replicas": 2, "paused": STATE["paused"], "template": template(STATE["image"])},
        "status": {
            "observedGeneration": STATE["generation"],
            "replicas": 2,
            "updatedReplicas": ready,
            "availableReplicas": ready,
            "conditions": conditions,
        },
    }


def replica_sets() -> dict[str, Any]:
    mine = [
        {
            "metadata": {
                "name": f"nctool-{image.replace(':', '')}",
                "creationTimestamp": "2025-08-01T09:00:00Z",
                "ownerReferences": [{"uid": STATE["uid"]}],
                "annotations": {"deployment.kubernetes.io/revision": str(number)},
            },
            "spec": {"template": template(image, "5d8f")},
        }
        for image, number in STATE["revisions"].items()
    ]
    foreign = {**mine[0], "metadata": {**mine[0]["metadata"], "ownerReferences": [{"uid": "another"}]}}
    return {"kind": "List", "items": [foreign, *mine]}


def pods() -> dict[str, Any]:
    def pod(number: int) -> dict[str, Any]:
        ready = "True" if number < STATE["ready"] else "False"
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
        return {
            "metadata": {"name": f"nctool-{number}"},
            "spec": template(STATE["image"])["spec"],
            "status": status,
        }

    return {"kind": "List", "items": [pod(0), pod(1)]}


def undo(number: int) -> None:
    if STATE["paused"]:
        die(
            "error: you cannot rollback a paused deployment; "
            'resume it first with "kubectl rollout resume" and try again'
        )
    image = next((image for image, known in STATE["revisions"].items() if known == number), None)
    if image is None:
        die(f"error: unable to find specified revision {number} in history")
    if image == STATE["image"]:
        say(f"deployment.apps/nctool skipped rollback (current template already matches revision {number})")
        return
    STATE["revisions"][image] = max(STATE["revisions"].values()) + 1
    STATE["image"], STATE["generation"], STATE["undone"] = image, STATE["generation"] + 1, STATE["undone"] + 1
    STATE["ready"] = STATE["ready_after"]
    say("deployment.apps/nctool rolled back")


def status() -> None:
    if STATE["faults"].get("status") == "deadline":
        die('error: deployment "nctool" exceeded its progress deadline')
    if STATE["ready"] < 2:
        say(f'Waiting for deployment "nctool" rollout to finish: {STATE["ready"]} of 2 updated replicas are available')
    if STATE["faults"].get("status") != "lie":
        STATE["ready"] = 2
    say('deployment "nctool" successfully rolled out')


def main() -> None:
    words, given = options(sys.argv[1:])
    STATE["calls"].append(sys.argv[1:])
    STATE["pid"] = os.getpid()
    keep()
    fault = STATE["faults"].get(words[1])
    if fault == "hang":
        time.sleep(60)
    if fault == "refuse":
        sys.stderr.write('E1127 01:19:06.606123   21591 memcache.go:265] "Unhandled Error" err="no API group list"\n')
        die('Error from server (Forbidden): deployments.apps "nctool" is forbidden: Bearer eyJhbGciOi.abcdefgh.123456')
    if given.get("context") != STATE["context"]:
        die(f'error: context "{given.get("context")}" does not exist')
    told = {"deployment": deployment, "replicasets": replica_sets, "pods": pods}
    if words[0] == "get":
        say(json.dumps(told[words[1]]()))
    elif words[1] == "undo":
        undo(int(given["to-revision"]))
    else:
        status()
    keep()
    if fault == "die after":  # the answer is lost on the way
        die("error: unexpected EOF")


main()
