"""Feature flags of the rollout control plane, evaluated inside your process.

flags = Flags("https://rollout.example.org", token)
if flags.is_on("atomicMeltOperations", npub): ...
"""

from nctool_flags.client import Flags, Status
from nctool_flags.decision import Decision
from nctool_flags.evaluation import Evaluator
from nctool_flags.reading import BadDocument

__all__ = ["BadDocument", "Decision", "Evaluator", "Flags", "Status"]
