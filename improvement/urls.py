from __future__ import annotations

from django.urls import path

from improvement.views.survey import survey

app_name = "improvement"
urlpatterns = [path("survey/<str:token>/", survey, name="survey")]
