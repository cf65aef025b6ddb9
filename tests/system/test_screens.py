"""The screens are there for the web, and for nobody who needs none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.contrib import admin

from tests.system.running import BASE_DIR, System

WITHOUT = """
import sys
import django
django.setup()
print([name for name in sys.modules if ".admin." in name and name.partition(".")[0] not in ("django", "unfold")])
"""


def test_a_process_that_shows_no_page_loads_no_screen(tmp_path: Path) -> None:
    environment = System(tmp_path).environment | {"DJANGO_SETTINGS_MODULE": "nctool_rollout.settings"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=BASE_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_django_finds_nothing_wrong_with_any_screen() -> None:
    import nctool_rollout.urls  # noqa: F401 - loads them

    assert len(admin.site._registry) > 50
    assert admin.site.check(None) == []
