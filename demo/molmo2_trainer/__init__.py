"""Trains the demonstration model: ``python -m molmo2_trainer --help``."""
