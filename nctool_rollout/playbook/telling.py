"""The parts of a playbook about who is told: channels and audiences (seed, Communication Plan)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import Field

from communications.domain.alerts import Topic
from communications.domain.audiences import Content, Frequency
from communications.domain.channels import ChannelKind
from communications.selectors.plan import Planned
from communications.services.audiences import AudienceSpec, Way
from nctool_rollout.playbook.fields import Key, Name, Part

AudienceKey = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,39}$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Channel(Part):
    """A way out. Its secret is never in a playbook: it is set in the admin, or by a variable."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: ChannelKind


class By(Part):
    channel: Key
    to: Annotated[str, Field(max_length=200, description="#channel, address, list of the settings or role:name.")] = ""


class Quiet(Part):
    """Local times; over midnight when the first is the later one."""

    from_: Annotated[TimeOfDay, Field(alias="from")]
    until: TimeOfDay


class Audience(Part):
    """People who are told of the same things in the same words. docs/communications.md explains it."""

    name: Name
    content: Content
    promise: Annotated[str, Field(max_length=200, description="What they read, in the strategy's words.")] = ""
    frequency: Frequency
    hears: list[Topic] = []
    by: Annotated[list[By], Field(max_length=50)] = []
    least_level: Annotated[int, Field(ge=1, le=3, description="Of incidents.")] = 1
    zone: Annotated[str, Field(max_length=60, description="IANA name. None: the installation's.")] = ""
    quiet: Quiet | None = None
    burst: Annotated[int, Field(ge=0, le=1000, description="Messages a minute, then one for the rest; 0: all.")] = 5
    language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "en"


def document_of(audience: Audience) -> dict[str, Any]:
    """As a file has it, without what is left out; what it hears of in the order of the topics."""
    audience = audience.model_copy(update={"hears": [topic for topic in Topic if topic in audience.hears]})
    return audience.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def document_of_row(planned: Planned) -> dict[str, Any]:
    """The same of an audience that there is."""
    row = planned.audience
    quiet = {"from": row.quiet_from, "until": row.quiet_until} if row.quiet_from else None
    told = Audience.model_validate(
        {
            "name": row.name,
            "content": Content(row.content),
            "promise": row.promise,
            "frequency": Frequency(row.frequency),
            "hears": [Topic(topic) for topic in row.topics],
            "by": [{"channel": route.channel.key, "to": route.target} for route in planned.routes],
            "leastLevel": row.least_level,
            "zone": row.zone,
            "quiet": quiet,
            "burst": row.burst,
            "language": row.language,
        }
    )
    return document_of(told)


def spec_of(key: str, document: dict[str, Any], *, position: int) -> AudienceSpec:
    """As the service takes it."""
    read = Audience.model_validate_json(json.dumps(document))
    return AudienceSpec(
        key=key,
        name=read.name,
        content=read.content,
        frequency=read.frequency,
        topics=[topic.value for topic in read.hears],
        ways=[Way(by.channel, by.to) for by in read.by],
        promise=read.promise,
        least_level=read.least_level,
        zone=read.zone,
        quiet=(read.quiet.from_, read.quiet.until) if read.quiet else None,
        burst=read.burst,
        language=read.language,
        position=position,
    )
