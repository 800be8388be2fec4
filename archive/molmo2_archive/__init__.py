"""Builds TorchServe model archives: ``python -m molmo2_archive --help``."""
