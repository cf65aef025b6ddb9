"""Tables of the on-call plans and escalations."""
