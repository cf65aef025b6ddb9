"""The screens of the core, and what all screens share."""
