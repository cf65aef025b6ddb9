"""Tables of this app."""

from audit.models.chain import Chain, Seal, Sealer
from audit.models.hold import Hold
from audit.models.review import Review
from audit.models.verification import State, Verification

__all__ = ["Chain", "Hold", "Review", "Seal", "Sealer", "State", "Verification"]
