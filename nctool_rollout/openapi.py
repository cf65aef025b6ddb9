"""The OpenAPI document: what ninja makes of the routers, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

WRITES = ("post", "put", "patch", "delete")
TAGS = {
    "flags": "What flags do in the environment of the token, and changing it. The same services, rights and approval "
    "rules as in the admin; a refusal for want of approval (409) carries the body for `POST /requests`.",
    "ramps": "Raise a flag step by step, by the clock.",
    "change requests": "Ask for changes that need other people's approval. Tokens ask, people approve.",
    "migrations": "Migrations of nctool's MongoDB: what is applied, plans, runs. Tokens ask and steer, people approve.",
    "plans": "The rollout as a plan: phases, gates, checklists and their commands. People approve and waive.",
    "rollbacks": "Plans of what goes back, and how far each step is. Tokens ask, people confirm.",
    "incidents": "What goes wrong now: declare it, acknowledge it, tell people, until it is resolved.",
    "communications": "Notifications for users of nctool, and what was announced.",
    "on call": "Who has to come, and who is being called.",
    "clients": "For client libraries: the whole configuration, reports, and tickets for the stream.",
    "evaluation": "Which flags are on, by OpenFeature's OFREP.",
    "looking": "Why an npub has what it has, and what happened.",
    "metrics": "Measurements of nctool.",
    "triggers": "Rules that roll back by themselves: how they stand, and re-arming them.",
    "alerts": "Alerts and their rules; acknowledging and silencing; alerts from an Alertmanager.",
    "risk": "How risky it is here now, the register of risks, and what a change would risk.",
    "KPIs": "Whether the rollout succeeds: figures with their targets and history, and figures from outside.",
    "reports": "What is known of a week: figures, how sure their changes are, and what to do. People release them.",
    "improvement": "What people think of the rollout, what somebody does about it, and what it taught.",
    "audit": "Who did what, how far that is sealed, and what must not be forgotten. Only read.",
    "complaints": "What users complain about.",
    "dashboard": "Health, feature adoption and the database of one environment, in the words of the strategy.",
    "validations": "Whether what was deployed works: six checks of one environment, run and read.",
    "freezes": "When nothing is raised, promoted or released. People plan freezes, in the admin.",
    "calendar": "Freezes and planned steps for calendar programs.",
}
SECURITY = {
    "BearerToken": "`Authorization: Bearer <token>`. A token belongs to one environment and has scopes.",
    "KeyHeader": "The same token as `X-API-Key`.",
    "QueryToken": "Only of the scope `calendar`, for programs that cannot send headers.",
}
PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457. `detail` is a sentence for people; `field` names what is wrong, where one thing is.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Conflict"]},
        "status": {"type": "integer", "examples": [409]},
        "detail": {"type": "string", "examples": ["production is frozen until 2025-08-30 08:00 CEST (Pay day: ...)."]},
        "field": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
    "additionalProperties": True,
}
RETRY = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
REFUSALS: dict[str, tuple[str, dict[str, Any]]] = {
    "400": ("The body could not be read as JSON.", {}),
    "401": ("No live token.", {}),
    "403": ("The token lacks the scope.", {}),
    "404": ("There is no such thing in the environment of the token.", {}),
    "409": ("It cannot be done as things stand: a freeze, a missing approval, a newer version, a wrong state.", RETRY),
    "412": ("`If-Match` is not what the flag is now.", {}),
    "422": ("Something that was sent is wrong.", {}),
    "429": ("The token has used up its minute.", RETRY),
    "503": ("The database cannot be reached; nothing was changed.", RETRY),
}
_TEXT = {"type": "string"}
NOTHING_ASKED = ("/api/v1/risk", "/api/v1/revisions")  # and yet there may be nothing to answer with
PARAMETERS = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "At most 200 characters that name this write. Sent again within 24 hours, it is not done again: "
        "the first answer comes back, with `Idempotency-Replayed: true`.",
        "schema": {"type": "string", "maxLength": 200, "examples": ["0b1d8a52-6a0f-4a1e-9f4e-5b6f2f0c5a10"]},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The `ETag` you saw: 412 when the flag has moved on since.",
        "schema": {**_TEXT, "examples": ['"3.1"']},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what you have: 304 when it is still that.",
        "schema": _TEXT,
    },
}
HEADERS = {
    "ETag": {"description": "For `If-Match` and `If-None-Match`.", "schema": _TEXT},
    "Link": {"description": "The other pages (RFC 8288): first, prev, next, last.", "schema": _TEXT},
    "Total-Count": {"description": "Of all pages.", "schema": {"type": "integer"}},
    "Idempotency-Replayed": {"description": "This is the answer of the first time.", "schema": _TEXT},
}


class Api(NinjaAPI):
    """Ninja's API with a whole OpenAPI document."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._documents: dict[str, OpenAPISchema] = {}

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """`flags_set_rollout`: what generated clients call it."""
        tag = (operation.tags or ["api"])[0].replace(" ", "_")
        return f"{tag}_{operation.view_func.__name__}"

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Made once for each process: it takes a quarter of a second, and anybody may ask for it."""
        prefix = self.get_root_path(path_params or {}) if path_prefix is None else path_prefix
        if prefix not in self._documents:
            self._documents[prefix] = completed(super().get_openapi_schema(path_prefix=prefix))
        return self._documents[prefix]


def completed(document: OpenAPISchema) -> OpenAPISchema:
    """The document with errors, headers, security and the doors that are not ninja's."""
    components = document["components"]
    components["schemas"]["Problem"] = PROBLEM
    components["parameters"] = PARAMETERS
    components["headers"] = HEADERS
    components["responses"] = {
        f"Problem{status}": {
            "description": told,
            "headers": headers,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, (told, headers) in REFUSALS.items()
    }
    for name, told in SECURITY.items():
        if name in components["securitySchemes"]:
            components["securitySchemes"][name]["description"] = told
    for path, method, operation in _operations(document):
        _complete(path, method, operation)
    document["paths"].update(DOORS)
    used = {tag for _, _, operation in _operations(document) for tag in operation["tags"]}
    document["tags"] = [{"name": name, "description": told} for name, told in TAGS.items() if name in used]
    return document


def _operations(document: OpenAPISchema) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    parameters = operation.setdefault("parameters", [])
    responses = operation["responses"]
    paged = {"limit", "page"} <= {each.get("name") for each in parameters}
    write = method in WRITES
    of_flag = path.startswith("/api/v1/flags/{key}") and "/lists/" not in path
    conditional = of_flag and write and not path.endswith(("/emergency-disable", "/rollback"))
    if write:
        parameters.append(_ref("parameters", "IdempotencyKey"))
    if conditional:
        parameters.append(_ref("parameters", "IfMatch"))
    if of_flag and not write:
        parameters.append(_ref("parameters", "IfNoneMatch"))
    for status in _statuses(path, operation, write=write, conditional=conditional):
        responses.setdefault(int(status), _ref("responses", f"Problem{status}"))
    for status, response in responses.items():
        if str(status).startswith("2"):
            response.setdefault("headers", {}).update(
                {name: _ref("headers", name) for name in _headers(path, write=write, of_flag=of_flag, paged=paged)}
            )
    operation["responses"] = {str(status): response for status, response in responses.items()}


def _statuses(path: str, operation: dict[str, Any], *, write: bool, conditional: bool) -> list[str]:
    found = ["401", "403", "429", "503"]
    asks = operation["parameters"] or "requestBody" in operation or path in NOTHING_ASKED
    found += ["400"] if "requestBody" in operation else []
    found += ["404", "422"] if asks else []
    found += ["409"] if write else []
    return found + (["412"] if conditional else [])


def _headers(path: str, *, write: bool, of_flag: bool, paged: bool) -> list[str]:
    found = ["ETag"] if of_flag or path.endswith(".ics") else []
    found += ["Link", "Total-Count"] if paged else []
    return found + (["Idempotency-Replayed"] if write else [])


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _door(tag: str, name: str, summary: str, body: str, *told: str, **more: Any) -> dict[str, Any]:
    """An operation that is answered before Django: OFREP and the snapshot. `told`: statuses in the words of OFREP."""
    json = {"application/json": {"schema": {"type": "object"}}}
    errors: dict[str, Any] = {status: _ref("responses", f"Problem{status}") for status in ("401", "403", "429")}
    errors |= {status: {"description": "An error of OFREP.", "content": json} for status in told}
    return {
        "tags": [tag],
        "operationId": f"{tag}_{name}",
        "summary": summary,
        "description": body,
        "security": [{"BearerToken": []}, {"KeyHeader": []}],
        "parameters": [],
        "responses": {"200": {"description": "OK", "content": json}, **errors},
        **more,
    }


_CONTEXT = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"type": "object", "required": ["context"], "properties": {"context": {"type": "object"}}},
            "examples": {"npub": {"value": {"context": {"targetingKey": "npub1example", "country": "DE"}}}},
        }
    },
}
_KEY = {"name": "key", "in": "path", "required": True, "schema": _TEXT}
_SAVED = [_ref("parameters", "IfNoneMatch")]
DOORS: dict[str, Any] = {
    "/api/v1/snapshot": {
        "get": _door("clients", "snapshot", "The whole configuration", "docs/clients.md tells it.", parameters=_SAVED)
    },
    "/ofrep/v1/evaluate/flags/{key}": {
        "post": _door(
            "evaluation", "one", "Is this flag on?", "OFREP.", "400", "404", requestBody=_CONTEXT, parameters=[_KEY]
        )
    },
    "/ofrep/v1/evaluate/flags": {
        "post": _door(
            "evaluation", "all", "Which flags are on?", "OFREP.", "400", requestBody=_CONTEXT, parameters=_SAVED
        )
    },
}
