"""What one step of the engine and its queues may hold."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LoopLimits:
    """Bounds of the loop; the settings of the same names say what each is."""

    max_sequences: int = 16
    max_step_tokens: int = 4096
    max_waiting_requests: int = 64
    tokens_per_progress: int = 16
    decode_share: float = 0.25
