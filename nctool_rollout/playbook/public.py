"""The public status page: its title, where it is, and the components that visitors know. docs/status-page.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from nctool_rollout.playbook.fields import Part
from statuspage.domain.texts import COMPONENT_KEY

Shown = Annotated[str, Field(min_length=1, max_length=80)]
Told = Annotated[str, Field(max_length=300)]
Items = dict[tuple[str, ...], Any]


class Words(Part):
    """What a component is called in another language; what is left out is shown in English."""

    name: Shown | None = None
    description: Told | None = None
    group: Shown | None = None


class Component(Part):
    """A part of the service that visitors know by name. Their order in the file is that of the page."""

    name: Shown
    description: Told = ""
    group: Annotated[str, Field(max_length=80, description="Components of one group stand together.")] = ""
    translations: dict[Literal["de"], Words] = {}


class StatusPage(Part):
    title: Annotated[Shown, Field(description="The name of the service.")]
    url: Annotated[
        str,
        Field(
            max_length=200,
            pattern=r"^(https?://\S+)?$",
            description="Where visitors find the page, without /status/. None: PUBLIC_URL.",
        ),
    ] = ""
    components: dict[Annotated[str, Field(pattern=COMPONENT_KEY)], Component] = {}


def items_of(page: StatusPage | None) -> Items:
    """What the playbook wants of the page, as `wanted.items` has it."""
    if page is None:
        return {}
    rows = [(key, _values(row)) for key, row in page.components.items()]
    return as_items(page.title.strip(), page.url.rstrip("/"), rows)


def as_items(title: str, url: str, components: list[tuple[str, dict[str, Any]]]) -> Items:
    """The page as items; the place of a component is counted, not kept."""
    return {
        ("statusPage", "title"): title,
        ("statusPage", "url"): url,
        **{
            ("statusComponents", key): {**values, "position": number} for number, (key, values) in enumerate(components)
        },
    }


def exported(items: Items) -> dict[str, Any]:
    """The section of a playbook that loads to these items; none where there is no page."""
    if ("statusPage", "title") not in items:
        return {}
    rows = {item[1]: values for item, values in items.items() if item[0] == "statusComponents"}
    ordered = sorted(rows, key=lambda key: int(rows[key]["position"]))
    told = {
        "title": items["statusPage", "title"],
        "url": items["statusPage", "url"],
        "components": {key: _told(rows[key]) for key in ordered},
    }
    return {"statusPage": {name: value for name, value in told.items() if value not in ("", {})}}


def _values(row: Component) -> dict[str, Any]:
    return row.model_dump(exclude_none=True)


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "position" and value not in ("", {})}
