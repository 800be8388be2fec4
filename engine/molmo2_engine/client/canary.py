"""How a server knows what is asked only to see whether it answers.

The process beside TorchServe asks for a token now and then. That is no caller's request: neither
workers nor engines count it among those, or time it. The tokens themselves are counted. A caller
who takes the id for a request of its own keeps that out of the counts, and nothing else.
"""

CANARY = "canary"
"""Its request id."""
