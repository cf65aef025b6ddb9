"""The pages of the risk."""
