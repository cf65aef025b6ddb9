"""A next phase as the beginning of a playbook: right as it stands, with everything to be filled in said so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

HEAD = """\
# A draft made of the next phase "{title}". It is right as it stands: see for yourself by
#   python manage.py playbook validate {key}.yaml
# Fill in the features, their ramps and triggers, and the phases of the plan: docs/playbook.md tells how.
playbook: 1
name: {name}
description: {description}
deploymentConfig:
  version: {version}
  features: {{}}
environments: {{}}
"""


def playbook(key: str, phase: Mapping[str, Any]) -> str:
    """YAML, whose texts are JSON strings: those are YAML too.

    Args:
        phase: the fields of `domain.future.NextPhase`, as a dictionary.
    """
    name = "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in key)[:60]
    told = f"{phase['title']}. Timeline: {phase['timeline'] or 'not set'}."
    lines = [
        HEAD.format(
            title=_one_line(phase["title"]), key=key, name=name, description=_text(told), version=_text("0.1.0")
        )
    ]
    lines.append("nextPhases:")
    lines.append(f"  {name}:")
    lines.append(f"    phase: {_text(phase['title'])}")
    lines.append(f"    timeline: {_text(phase['timeline'])}")
    lines.append(f"    objectives: {_text(list(phase['objectives']))}")
    lines.append("    prerequisites:")
    lines += [f"      - {_text(dict(one))}" for one in phase["prerequisites"]] or ["      []"]
    lines.append(f"    riskAssessment: {_text(dict(phase['risks']))}")
    return "\n".join(lines).replace("\n\n", "\n") + "\n"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _one_line(text: str) -> str:
    return " ".join(text.split())
