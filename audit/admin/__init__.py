"""The screens of the audit."""

from audit.admin import parts
from audit.admin.access import ReviewAdmin
from audit.admin.holds import HoldAdmin
from audit.admin.verifications import VerificationAdmin

__all__ = ["HoldAdmin", "ReviewAdmin", "VerificationAdmin", "parts"]
