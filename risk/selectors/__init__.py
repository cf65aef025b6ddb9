"""Reads of the risk."""
