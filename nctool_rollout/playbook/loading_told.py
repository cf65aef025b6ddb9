"""The parts of a load about who is told what, and who has to come."""

from __future__ import annotations

from communications.domain.channels import ChannelKind
from communications.services import audiences, declaring
from nctool_rollout.playbook.telling import spec_of
from nctool_rollout.playbook.work import Load
from reports.services import setting
from statuspage.services import components


def _channels(work: Load) -> None:
    for (_, key), decision in work.writes("channels").items():
        with work.part("channels", key):
            kind = ChannelKind(decision.wanted["kind"])
            declaring.declare(key, name=decision.wanted["name"], kind=kind, **work.who)


def _audiences(work: Load) -> None:
    order = list(work.keys("audiences"))
    for (_, key), decision in work.writes("audiences").items():
        with work.part("audiences", key):
            audiences.define(spec_of(key, decision.wanted, position=order.index(key)), **work.who)


def _status_page(work: Load) -> None:
    if work.writes("statusPage"):
        with work.part("statusPage"):
            told = {"title": work.value("statusPage", "title"), "address": work.value("statusPage", "url")}
            components.define_page(told, **work.who)
    for (_, key), decision in work.writes("statusComponents").items():
        with work.part("statusPage", "components", key, items=[("statusComponents", key)]):
            components.define(key, decision.wanted, **work.who)


def _report(work: Load) -> None:
    for decision in work.writes("report").values():
        with work.part("report"):
            setting.define(decision.wanted, **work.who)


# In this order: an audience names channels.
TOLD = (
    _channels,
    _audiences,
    _status_page,
    _report,
)
