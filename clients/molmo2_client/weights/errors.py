"""What can go wrong between a source of weights and a folder here."""


class WeightsError(Exception):
    """The weights cannot be had as asked; the message says what to do."""


class Interrupted(WeightsError):
    """The connection broke or the source is busy; what came is kept, and asking again may help."""


class Damaged(WeightsError):
    """What came is not what its source announced."""
