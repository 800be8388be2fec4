"""What can be wrong with an archive that is asked for."""


class BuildError(Exception):
    """The archive cannot be built as asked; the message says what to change."""
