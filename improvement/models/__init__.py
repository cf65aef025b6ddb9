"""Tables of what is learnt."""

from improvement.models.action import ActionItem
from improvement.models.feedback import Asking, Feedback, Survey
from improvement.models.future import NextPhase, Quarter
from improvement.models.lesson import Lesson

__all__ = ["ActionItem", "Asking", "Feedback", "Lesson", "NextPhase", "Quarter", "Survey"]
