"""What a request worker uses of the engine: it finds or starts the process, and calls it.

Nothing here imports torch.
"""

from molmo2_engine.client.connection import EngineConnection, MediaNotHeld
from molmo2_engine.client.launch import EngineLaunch
from molmo2_engine.client.prefix_routing import PrefixRouting

__all__ = ["EngineConnection", "EngineLaunch", "MediaNotHeld", "PrefixRouting"]
