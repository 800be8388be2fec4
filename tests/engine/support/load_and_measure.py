"""Loads a checkpoint in a process of its own and prints what it took, as JSON.

python load_and_measure.py FOLDER DEVICE DTYPE
"""

import json
import sys
import time
from pathlib import Path


def peak_bytes() -> int:
    """The most memory that this process has had, mapped files included."""
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    folder, device, dtype = sys.argv[1:]
    from molmo2_engine.model.checkpoint import load

    before = peak_bytes()
    began = time.monotonic()
    checkpoint = load(folder, None, device, dtype)
    seconds = time.monotonic() - began
    print(
        json.dumps(
            {
                "seconds": round(seconds, 1),
                "imports_bytes": before,
                "peak_bytes": peak_bytes(),
                "device": str(checkpoint.device),
                "dtype": str(checkpoint.dtype),
                "mean": float(checkpoint.model.lm_head.weight.float().mean()),
            }
        )
    )


if __name__ == "__main__":
    main()
