"""The bounds that a request is held to before anything is opened.

They bound the shape of a request. What one server can afford (bytes of a video, roots that may be
read, frames that fit its context) are settings of that server, published by ``ServerInfo``.
"""

MAX_OPERATIONS = 32
"""Operations in one request."""

MAX_PROMPT_CHARACTERS = 4096
"""Characters of one prompt."""

MAX_URI_CHARACTERS = 4096
"""Characters of a video's URI."""

MAX_IMAGES = 16
"""Images in one request."""

MAX_SCHEMA_BYTES = 32_768
"""Bytes of the JSON Schema that an answer is to follow."""

MAX_SCHEMA_DEPTH = 32
"""Containers within containers of such a schema."""

MAX_NEW_TOKENS = 16_384
"""Largest ``max_new_tokens`` of one operation."""

MAX_FRAMES = 384
"""Frames sampled from one video; the number the released checkpoints were trained with."""

MAX_SAMPLED_FPS = 10.0
"""Largest ``max_fps``, in frames a second. The released checkpoints were trained at up to 2."""

MAX_SECONDS = 86_400.0
"""Largest ``start`` or ``end`` of a clip, in seconds."""

MAX_TIMEOUT = 3600.0
"""Largest ``timeout`` of a request, in seconds."""

MAX_TEMPERATURE = 2.0
"""Largest sampling temperature; 0 is greedy."""
