"""How a server knows what is asked only to see whether it answers.

The process beside TorchServe asks for a token now and then. That is no caller's request: neither
workers nor engines count it among those, or time it. The tokens themselves are counted.
"""

CANARY = "canary"
"""Its request id."""
