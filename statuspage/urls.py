from __future__ import annotations

from django.urls import path

from statuspage.views import door, subscriptions

app_name = "statuspage"
urlpatterns = [
    path("status/", door.document, name="page"),
    path("status/history/", door.document, name="history"),
    path("status/incidents/<slug:public_id>/", door.document, name="incident"),
    path("status/maintenance/<slug:public_id>/", door.document, name="maintenance"),
    path("status/maintenance.ics", door.document, name="calendar"),
    path("status/feed.atom", door.document, name="feed"),
    path("status.json", door.document, name="summary"),
    path("status/api/v2/<path:name>.json", door.program, name="program"),
    path("api/v2/<path:name>.json", door.program),
    path("status/subscribe/", subscriptions.subscribe, name="subscribe"),
    path("status/confirm/<str:token>/", subscriptions.confirm, name="confirm"),
    path("status/unsubscribe/<str:token>/", subscriptions.unsubscribe, name="unsubscribe"),
]
