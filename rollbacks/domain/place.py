"""What names a Deployment in a cluster may have. None begins with a dash: kubectl would take it for an option."""

from __future__ import annotations

NAME = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
CONTEXT = r"^[A-Za-z0-9][A-Za-z0-9_.:/@+-]{0,199}$"
SELECTOR = r"^[A-Za-z0-9][A-Za-z0-9_./=!,-]{0,299}$"
FORMS = {"context": CONTEXT, "namespace": LABEL, "deployment": NAME, "container": LABEL, "selector": SELECTOR}
