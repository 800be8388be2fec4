"""The forward passes: a checkpoint, its vision encoder, the prefill and the decode step."""
