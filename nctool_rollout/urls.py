from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from alerting.api.incoming import prometheus
from monitoring.api.otlp import metrics as otlp
from monitoring.api.pushgateway import push
from nctool_rollout.api import api
from nctool_rollout.metrics import metrics
from nctool_rollout.try_api import TryApi

admin.autodiscover()  # here: whoever shows no page and makes no link starts in half the time, without 40 MB

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/api/", admin.site.admin_view(TryApi.as_view()), name="try-api"),
    path(
        "admin/migrations_app/readiness/",
        RedirectView.as_view(pattern_name="admin:migrations_app_readinesswaiver_changelist"),
    ),
    path("", include("reports.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("api/v2/alerts", prometheus),
    path("", include("statuspage.urls")),
    path("", include("improvement.urls")),
    path("metrics", metrics),
    re_path(r"^metrics/(?P<group>job(?:@base64)?/.+)$", push, name="pushgateway"),
    path("v1/metrics", otlp),
    path("otlp/v1/metrics", otlp),
]
