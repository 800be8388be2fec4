"""Shares the engine's time between new media and the sequences that run."""


class Pace:
    """After a prefill that took t seconds, sequences decode for ``decode_share`` times t.

    So a flood of new videos leaves those who wait for their next token at least
    ``decode_share / (1 + decode_share)`` of the time.
    """

    def __init__(self, decode_share: float) -> None:
        self._decode_share = decode_share
        self._owed = 0.0

    def prefilled(self, seconds: float) -> None:
        self._owed = self._decode_share * seconds

    def decoded(self, seconds: float) -> None:
        self._owed -= seconds

    def may_prefill(self, running: int) -> bool:
        return not running or self._owed <= 0
