"""Names in a server's run directory, where the processes of one server find each other.

TorchServe, its request workers, the engines and the process beside them (``molmo2_ops``) share it,
and start and end each by itself: what one must know of another is a file here.
"""

KEY_FILE = "key_file.json"
"""TorchServe's tokens, new ones at every start; TorchServe chose the name."""

TEMPORARY = "tmp"
"""Folder that is TorchServe's ``TMPDIR``: of what a server may lose when it ends."""

PID_FILE = f"{TEMPORARY}/.model_server.pid"
"""The process id of TorchServe's JVM; TorchServe chose the name, within its ``TMPDIR``."""
JVM_CLASS = b"org.pytorch.serve.ModelServer"
"""In that process's command line; another process may have got the number of one that ended."""

DRAINING = "draining"
"""Is there while the server takes no new requests. Its length is the number of requests that
waited in TorchServe's queue when that began and are still to be answered: each worker that takes
one cuts off a byte."""

WORKER_PULSES = "workers"
"""Folder with one file a request worker, named after its process id. Its modification time is the
worker's last sign of life; it holds the seconds for which the worker may give none."""

WORKER_COUNTS = "counts"
"""Folder where request workers count what they do, in prometheus_client's files of many
processes."""

ENGINE_LOGS = "engine-*.log"
"""Pattern of what engines write, one file a socket."""

ENGINE_REFUSALS = ("molmo2-engine: ", "molmo2-reference: ")
"""How the last line of an engine begins that knows why it cannot start."""
