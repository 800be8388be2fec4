"""What the exit code of ``molmo2`` says."""

OK = 0
RESULT_FAILED = 1
"""The request was answered, and at least one of its results is an error."""
USAGE = 2
"""The command or the request is wrong."""
REQUEST_FAILED = 3
"""The request failed as a whole."""
