from __future__ import annotations

from django.contrib import admin
from django.urls import path

from reports.views.dashboard import DashboardPage
from reports.views.timeline import TimelinePage
from reports.views.wall import wall

app_name = "reports"
urlpatterns = [
    path("admin/dashboard/", admin.site.admin_view(DashboardPage.as_view()), name="dashboard"),
    path("admin/timeline/", admin.site.admin_view(TimelinePage.as_view()), name="timeline"),
    path("wall/<str:token>/", wall, name="wall"),
]
