"""Whom a channel hands a message to, as a communication plan writes it."""

from __future__ import annotations

import re
from collections.abc import Collection

from communications.domain.channels import ChannelKind

ROLE = "role:"
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+")
_SLACK = re.compile(r"[#@]?[\w.-]{1,80}")


def wrong(kind: ChannelKind, target: str, *, lists: Collection[str]) -> str:
    """What is wrong with a target, and what to write; empty: nothing.

    Args:
        lists: the names of the lists of mail addresses in the settings.
    """
    if kind is ChannelKind.SLACK and not _SLACK.fullmatch(target):
        return "say where in Slack, for example #ops-alerts."
    if kind is ChannelKind.EMAIL and not (target in lists or _is_role(target) or _ADDRESS.fullmatch(target)):
        return f"{target or 'nothing'} is no address, no role:name and none of {', '.join(sorted(lists))}."
    if kind is ChannelKind.IN_APP and target and not _is_role(target):
        return "write role:operator for people who sign in here, or nothing for all users of nctool."
    return ""


def _is_role(target: str) -> bool:
    return target.startswith(ROLE) and len(target) > len(ROLE)
