"""The contract between clients and server: one video, one or more operations, structured answers.

Both sides import this package; it imports nothing of theirs.
"""
