"""The addresses of everything that can be done with one flag, below those of the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path
from django.views import View

from flags.admin.archive import Archive, ArchivedPage, Restore
from flags.admin.buckets import Buckets
from flags.admin.commands import Disable, EmergencyDisable, Enable, SetParameters, SetRollout
from flags.admin.definition import CreateFlag, EditDefinition
from flags.admin.npubs import DenyListFile, DenyListPage, ListFile, ListPage
from flags.admin.npubs_edit import EditDenyList, EditList
from flags.admin.tabs import HistoryTab, RampTab, TargetingTab
from flags.admin.targeting import EditTargeting, TargetingJson
from flags.admin.usage import UsageTab

OF_STATE: dict[str, type[View]] = {  # the path below the state's id: its name is made of it
    "enable": Enable,
    "disable": Disable,
    "emergency": EmergencyDisable,
    "rollout": SetRollout,
    "parameters": SetParameters,
    "definition": EditDefinition,
    "buckets": Buckets,
    "archive": Archive,
    "targeting": TargetingTab,
    "targeting/edit": EditTargeting,
    "targeting/json": TargetingJson,
    "ramp": RampTab,
    "usage": UsageTab,
    "history": HistoryTab,
    "allow-list": ListPage,
    "allow-list/edit": EditList,
    "allow-list/csv": ListFile,
    "deny-list": DenyListPage,
    "deny-list/edit": EditDenyList,
    "deny-list/csv": DenyListFile,
}


def addresses(screen: Callable[[type[View]], Any]) -> list[URLPattern]:
    """`<id>/allow-list/edit/` is `flags_allow_list_edit`, and so on. `screen` makes a view of the class."""
    return [
        path("new/", screen(CreateFlag), name="flags_new"),
        path("archived/", screen(ArchivedPage), name="flags_archived"),
        path("archived/<int:pk>/restore/", screen(Restore), name="flags_restore"),
    ] + [
        path(f"<int:pk>/{place}/", screen(view), name=f"flags_{place.replace('/', '_').replace('-', '_')}")
        for place, view in OF_STATE.items()
    ]
