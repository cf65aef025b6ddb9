"""Tables of the change requests."""

from approvals.models.request import Approval, ChangeRequest, Comment

__all__ = ["Approval", "ChangeRequest", "Comment"]
