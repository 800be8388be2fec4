"""What both ends of the engine's socket agree on beside the messages."""

MAX_MESSAGE_BYTES = 2**31 - 1
"""gRPC's largest. 384 frames of 378 x 378 pixels are 165 MB, in one message."""

CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # The socket is local: look again soon. gRPC's own back-off grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)

ERROR_TRAILER = "molmo2-error"
"""Trailing metadata of a failed call: the contract's ``Error`` as JSON."""
