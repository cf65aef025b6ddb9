"""The screens of what is learnt."""

from improvement.admin import notes
from improvement.admin.actions import ActionItemAdmin
from improvement.admin.feedback import FeedbackAdmin
from improvement.admin.future import NextPhaseAdmin, QuarterAdmin
from improvement.admin.lessons import LessonAdmin
from improvement.admin.surveys import SurveyAdmin

__all__ = [
    "ActionItemAdmin",
    "FeedbackAdmin",
    "LessonAdmin",
    "NextPhaseAdmin",
    "QuarterAdmin",
    "SurveyAdmin",
    "notes",
]
