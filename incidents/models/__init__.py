from incidents.models.incident import Action, Followed, Incident, Link
from incidents.models.level import LevelPolicy
from incidents.models.post_mortem import FollowUp, PostMortem

__all__ = ["Action", "FollowUp", "Followed", "Incident", "LevelPolicy", "Link", "PostMortem"]
