"""Tables of the flags."""

from flags.models.configuration import Configuration
from flags.models.flag import AllowedUser, Flag, FlagState
from flags.models.token import ApiToken

__all__ = ["AllowedUser", "ApiToken", "Configuration", "Flag", "FlagState"]
