"""The bounds and times that clients keep; those with a setting of the same name are defaults."""

TIMEOUT = 120.0
"""Seconds that the server gets for a request."""

DEADLINE_MARGIN = 10.0
"""Seconds that a transport waits beyond the request's timeout.

The server ends a request at its timeout by itself and says so. A transport that gave up first would
lose that answer, and every gRPC call that a client cancels is a risk for TorchServe's workers.
"""

CONNECT_TIMEOUT = 5.0
"""Seconds for a connection to be made (HTTP)."""

MAX_UPLOAD_BYTES = 128_000_000
"""Bytes of a video that travels with its request.

TorchServe takes 128 MiB by this project's config.properties (``max_request_size``); what is left
between the two is room for the request's JSON. Over gRPC TorchServe cuts off a larger request
without a reason, so the size is checked before anything is sent.
"""

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
"""Bytes of one answer (gRPC) or one event: all that TorchServe sends by this project's
config.properties (``max_response_size``). gRPC alone would refuse more than 4 MiB."""

RETRIES = 4
"""Attempts after the first."""

MAX_RETRIES = 20
"""Largest ``retries``."""

MAX_RETRY_FOR = 86_400.0
"""Largest ``retry_for``, in seconds."""

WORKER_DEATHS = 1
"""Workers that may end at a request before it is not tried again."""

RETRY_WAIT = 0.5
"""Seconds before the first retry; each further wait is twice as long."""

MAX_RETRY_WAIT = 8.0
"""Seconds of the longest wait that the client chooses itself."""

RETRY_JITTER = 1.0
"""Seconds; up to so much is added to every wait, so that many clients do not return at once."""

MAX_RETRY_AFTER = 60.0
"""Seconds. An answer that asks for a longer wait (``retry_after``) is raised, not waited for; with
``retry_for`` only if what is left of that is less."""

KEEPALIVE_INTERVAL = 330.0
"""Seconds between gRPC pings on a connection with a call in flight. TorchServe's gRPC server takes
pings that are less than 300 s apart for abuse and closes the connection."""

MAX_RECONNECT_WAIT = 5.0
"""Seconds. Without it a gRPC channel that lost its server may not look again for two minutes."""
