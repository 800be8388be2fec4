"""What a caller is told of an exception in the engine."""

import torch

from molmo2_contract.errors import InternalError, InvalidRequest, Molmo2Error, Overloaded
from molmo2_engine.generation.grammar import GrammarFailed


def as_wire_error(error: Exception) -> Molmo2Error:
    """An error of the contract; a device that is out of memory may have more in a while."""
    if isinstance(error, Molmo2Error):
        return error
    if _is_for_want_of_memory(error):
        return Overloaded(
            "the device has no memory left for this operation; lower max_frames, or the server's "
            "gpu_memory_fraction",
            retry_after=5,
        )
    if isinstance(error, GrammarFailed):
        return InvalidRequest(f"the answer cannot be held to json_schema: {error}; simplify it")
    return InternalError(f"the engine failed on this operation: {type(error).__name__}: {error}")


def _is_for_want_of_memory(error: Exception) -> bool:
    """PyTorch has a class of its own for this on a GPU; on a CPU only the allocator's words."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator: can't alloc" in str(error)
