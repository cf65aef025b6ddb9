"""Tables of what is learnt."""

from improvement.models.action import ActionItem
from improvement.models.feedback import Feedback, Survey
from improvement.models.future import NextPhase, Quarter
from improvement.models.lesson import Lesson

__all__ = ["ActionItem", "Feedback", "Lesson", "NextPhase", "Quarter", "Survey"]
