"""The slow path, for those who must compare: the released checkpoints' own code answers.

It speaks the engine's wire, so a request worker asks it as it asks the engine, and runs in an
environment of its own: that code wants transformers 4.57.1, the engine 5.20 or later. One question
is answered after the other, and media are encoded anew for each.
"""
