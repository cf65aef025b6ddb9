"""SDKs that decide in the process, fed with their own format and no server."""

from __future__ import annotations

import json
import tempfile
from typing import Any

from peers_flags import KEYS, PERCENTS, Ask


def growthbook() -> Ask:
    from growthbook import GrowthBook

    features = {
        key: {"defaultValue": False, "rules": [{"coverage": percent / 100, "hashAttribute": "id", "force": True}]}
        for key, percent in PERCENTS.items()
    }

    def ask(unit: str, keys: list[str]) -> object:
        client = GrowthBook(attributes={"id": unit}, features=features)
        return [client.is_on(key) for key in keys]

    return ask


def launchdarkly() -> Ask:
    from ldclient import Config, Context, LDClient
    from ldclient.integrations import Files

    def flag(key: str, percent: int) -> dict[str, Any]:
        weights = ((0, percent * 1000), (1, 100_000 - percent * 1000))
        shares = [{"variation": variation, "weight": weight} for variation, weight in weights]
        return {
            "key": key,
            "on": True,
            "salt": key,
            "version": 1,
            "offVariation": 1,
            "variations": [True, False],
            "fallthrough": {"rollout": {"contextKind": "user", "variations": shares}},
        }

    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"flags": {key: flag(key, percent) for key, percent in PERCENTS.items()}}, file)
        file.flush()
        source = Files.new_data_source(paths=[file.name])
        client = LDClient(Config("sdk", update_processor_class=source, send_events=False, diagnostic_opt_out=True))

    def ask(unit: str, keys: list[str]) -> object:
        context = Context.create(unit)
        return [client.variation(key, context, False) for key in keys]

    return ask


def eppo() -> Ask:
    import eppo_client

    def flag(key: str, percent: int) -> dict[str, Any]:
        salt, all_of_it = f"{key}-salt", [{"start": 0, "end": 10_000}]
        exposed = {"salt": salt, "ranges": [{"start": 0, "end": percent * 100}]}
        split = {"variationKey": "on", "shards": [exposed, {"salt": "x", "ranges": all_of_it}]}
        return {
            "key": key,
            "enabled": True,
            "variationType": "BOOLEAN",
            "variations": {"on": {"key": "on", "value": True}, "off": {"key": "off", "value": False}},
            "allocations": [
                {"key": "rollout", "rules": [], "splits": [split], "doLog": False},
                {"key": "rest", "rules": [], "splits": [{"variationKey": "off", "shards": []}], "doLog": False},
            ],
            "totalShards": 10_000,
        }

    document = {
        "createdAt": "2026-01-01T00:00:00.000Z",
        "format": "SERVER",
        "environment": {"name": "e"},
        "flags": {key: flag(key, percent) for key, percent in PERCENTS.items()},
    }
    settings = eppo_client.ClientConfig(
        api_key="x",
        assignment_logger=eppo_client.AssignmentLogger(),
        poll_interval_seconds=None,
        initial_configuration=eppo_client.Configuration(flags_configuration=json.dumps(document).encode()),
    )
    client = eppo_client.init(settings)
    return lambda unit, keys: [client.get_boolean_assignment(key, unit, {}, False) for key in keys]


def statsig() -> Ask:
    from statsig import StatsigOptions, StatsigServer, StatsigUser

    def gate(key: str, percent: int) -> dict[str, Any]:
        rule = {"name": "all", "id": "all", "salt": "all", "passPercentage": percent, "returnValue": True}
        condition = {"type": "public", "targetValue": None, "operator": None, "field": None}
        return {
            "name": key,
            "type": "feature_gate",
            "entity": "feature_gate",
            "salt": key,
            "enabled": True,
            "defaultValue": False,
            "idType": "userID",
            "rules": [{**rule, "idType": "userID", "conditions": [condition]}],
        }

    specs = {
        "feature_gates": [gate(key, percent) for key, percent in PERCENTS.items()],
        "dynamic_configs": [],
        "layer_configs": [],
        "has_updates": True,
        "time": 1,
    }
    server = StatsigServer()
    server.initialize("secret-x", StatsigOptions(local_mode=True, bootstrap_values=json.dumps(specs)))

    def ask(unit: str, keys: list[str]) -> object:
        user = StatsigUser(unit)
        return [server.check_gate(user, key, log_exposure=False) for key in keys]

    return ask


def unleash() -> Ask:
    from UnleashClient import UnleashClient
    from UnleashClient.cache import FileCache

    def feature(key: str, percent: int) -> dict[str, Any]:
        parameters = {"rollout": str(percent), "stickiness": "userId", "groupId": key}
        strategy = {"name": "flexibleRollout", "parameters": parameters, "constraints": []}
        return {"name": key, "enabled": True, "type": "release", "strategies": [strategy], "variants": []}

    cache = FileCache("peers", directory=tempfile.mkdtemp())
    cache.bootstrap_from_dict({"version": 2, "features": [feature(key, percent) for key, percent in PERCENTS.items()]})
    options = {"disable_metrics": True, "disable_registration": True, "cache": cache}
    client = UnleashClient("http://127.0.0.1:9/api", "peers", **options)
    client.initialize_client(fetch_toggles=False)

    def ask(unit: str, keys: list[str]) -> object:
        context = {"userId": unit}
        return [client.is_enabled(key, context) for key in keys]

    return ask


def posthog() -> Ask:
    from posthog import Posthog

    client = Posthog("phc_x", host="http://127.0.0.1:9", send=False, sync_mode=True)
    client.personal_api_key = "phx_x"  # without it the SDK does not look at local definitions
    client.feature_flags = [
        {
            "id": number,
            "key": key,
            "active": True,
            "filters": {"groups": [{"properties": [], "rollout_percentage": percent}]},
        }
        for number, (key, percent) in enumerate(PERCENTS.items())
    ]
    local = {"only_evaluate_locally": True, "send_feature_flag_events": False}
    return lambda unit, keys: [client.feature_enabled(key, unit, **local) for key in keys]


def flagsmith() -> Ask:
    from flagsmith import Flagsmith
    from flagsmith.offline_handlers import LocalFileHandler

    def segment(number: int, key: str, percent: int) -> dict[str, Any]:
        split = {"operator": "PERCENTAGE_SPLIT", "value": str(percent), "property_": ""}
        rules = [{"type": "ALL", "conditions": [], "rules": [{"type": "ANY", "conditions": [split], "rules": []}]}]
        states = [_flagsmith_state(number, key, enabled=True)]
        return {"id": number, "name": f"segment-{key}", "rules": rules, "feature_states": states}

    document = {
        "id": 1,
        "name": "e",
        "api_key": "x",
        "updated_at": "2026-01-01T00:00:00+00:00",
        "feature_states": [_flagsmith_state(number, key, enabled=False) for number, key in enumerate(KEYS, 1)],
        "identity_overrides": [],
        "project": {
            "id": 1,
            "name": "p",
            "hide_disabled_flags": False,
            "organisation": {
                "id": 1,
                "name": "o",
                "feature_analytics": False,
                "stop_serving_flags": False,
                "persist_trait_data": True,
            },
            "segments": [segment(number, key, PERCENTS[key]) for number, key in enumerate(KEYS, 1)],
        },
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        client = Flagsmith(offline_mode=True, offline_handler=LocalFileHandler(file.name))

    def ask(unit: str, keys: list[str]) -> object:
        flags = client.get_identity_flags(unit)
        return [flags.is_feature_enabled(key) for key in keys]

    return ask


def _flagsmith_state(number: int, key: str, *, enabled: bool) -> dict[str, Any]:
    state = {"id": number, "django_id": number, "enabled": enabled, "feature_state_value": None}
    more = {"featurestate_uuid": f"00000000-0000-0000-0000-{number:012d}", "multivariate_feature_state_values": []}
    return {**state, **more, "feature": {"id": number, "name": key, "type": "STANDARD"}, "feature_segment": None}
