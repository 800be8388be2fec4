"""What a drain came to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DrainReport:
    """How a server was stopped."""

    seconds: float
    owed: int | None
    """Requests that were in flight when it began; None where TorchServe never said."""
    left: int | None
    """Requests that were still in flight when its time was up, as TorchServe said last."""
    unsent: int
    """Bytes of answers that callers had not received by then."""
    answering: bool = True
    """Whether TorchServe still said so when the time was up."""
    ended: bool = False
    """Whether TorchServe was gone before that."""

    @property
    def complete(self) -> bool:
        """Whether every request in flight was answered, and every answer received."""
        return self.answering and self.owed is not None and not self.left and not self.unsent

    def __str__(self) -> str:
        took = f"{self.seconds:.1f} s"
        if self.owed is None or not self.answering:
            return (
                f"drained for {took}: TorchServe's management address did not answer, and nobody "
                "knows which requests in flight were answered"
            )
        if self.left and self.ended:
            return f"TorchServe ended after {took} with {self.left} requests in flight unanswered"
        if self.left:
            return (
                f"drained for {took}: {self.left} of {self.owed} requests in flight were not "
                "answered in time; raise the grace period"
            )
        if self.unsent:
            return (
                f"drained for {took}: all {self.owed} requests in flight were answered, but "
                f"{self.unsent} bytes of the answers had not reached their callers in time"
            )
        return f"drained in {took}: all {self.owed} requests in flight were answered"
