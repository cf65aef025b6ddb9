"""Tables of the flags."""

from flags.models.configuration import Configuration
from flags.models.flag import AllowedUser, DeniedUser, Flag, FlagState
from flags.models.instance import Acknowledgement, Instance
from flags.models.reply import Reply
from flags.models.rule import ApprovalRule
from flags.models.segment import Segment
from flags.models.token import ApiToken
from flags.models.usage import Asked, SeenUnit, Usage

__all__ = [
    "Acknowledgement",
    "AllowedUser",
    "ApiToken",
    "ApprovalRule",
    "Asked",
    "Configuration",
    "DeniedUser",
    "Flag",
    "FlagState",
    "Instance",
    "Reply",
    "SeenUnit",
    "Segment",
    "Usage",
]
