"""Why a checkpoint is not served."""


class CheckpointRefused(Exception):
    """A checkpoint cannot be served as the settings say; the message is for the operator."""
