"""What errors advise, in the words of the command: they name arguments of Python."""

import re

_ADVICE = (
    (r"\bmedia='(\w+)'", r"--media \1"),
    (r"\bmedia_prefixes=\{'([^']*)': '([^']*)'\}", r"--map-prefix \1=\2"),
    (r"\bmedia_prefixes=?(?![\w.])", "--map-prefix"),
    (r"\boverwrite=True\b", "--overwrite"),
    (r"\btoken=, ", ""),  # stands in the environment only
)
"""What is written, and what it is on a command line."""

_ARGUMENT = re.compile(
    r"(?<![\w./?&])"
    r"(?:(url|model|timeout)(?==)"
    r"|(key_file|label_field|embeddings_field|prompt_field|retry_for)(?![\w.]))"
    r"(=(?='))?=?"
)
"""Arguments that are options of the same name; those that are words, only before a ``=``."""


def as_options(message: str) -> str:
    """``message`` with options in the place of Python's arguments."""
    for written, option in _ADVICE:
        message = re.sub(written, option, message)
    return _ARGUMENT.sub(_option, message)


def _option(found: re.Match[str]) -> str:
    word, name, before_value = found.groups()
    return f"--{(word or name).replace('_', '-')}{' ' if before_value else ''}"
