"""The engine on a GPU, beside transformers' ``generate`` and this device's own ceilings.

    make bench-gpu

One command on a machine with PyTorch for CUDA; a checkpoint of the named shape is made of seeded
random numbers on the GPU, so nothing is downloaded. Each part is a process of its own, so that
one that fails leaves the others' figures. Figures are kept in a file, and the last line is one JSON
object of all that this shape has there, null for what was not measured:

  decode_roofline_1        bytes that a step of one sequence about a 30 s video must read, over
                           the measured copy bandwidth, over the step's time
  decode_roofline_16       the same of 16 sequences about distinct videos
  prefill_roofline         operations of vision encoding and prefill of a 30 s video, over the
                           measured rate of matrix products, over the time
  distinct_speedup         videos a second, 32 distinct ones in flight, answers of 128 tokens, over
                           those of generate one by one
  five_operations_speedup  the same with five operations on each video
  page_use                 tokens held by the largest batch of videos, over what the KV pages hold

Beside PyTorch with Triton it needs these packages, none of which needs to be compiled: transformers
(5.20 or newer) and what it needs, pydantic, pydantic-settings, prometheus-client, llguidance.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / room) for room in ("engine", "contract")]

FIGURES = (
    "decode_roofline_1",
    "decode_roofline_16",
    "prefill_roofline",
    "distinct_speedup",
    "five_operations_speedup",
    "page_use",
)
PARTS = ("ceilings", "products", "attention", "prefill", "decode", "throughput", "page_use")
SECONDS_A_PART = 530


def main() -> None:
    chosen = arguments()
    figures = {} if chosen.fresh or not chosen.results.exists() else read(chosen.results)
    failed = []
    run = measure if chosen.together else in_its_own_process
    for part in chosen.only.split(",") if chosen.only else PARTS:
        print(f"\n== {part}, {chosen.shape}", flush=True)
        try:
            figures |= run(part, chosen)
        except Exception as error:
            print(f"{part} failed: {type(error).__name__}: {error}")
            failed.append(part)
        chosen.results.parent.mkdir(parents=True, exist_ok=True)
        chosen.results.write_text(json.dumps(figures))
    if failed:
        print(f"\nagain with --only {','.join(failed)}")
    print(json.dumps({name: figures.get(name) for name in FIGURES}))
    sys.exit(bool(failed))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", default="4B", help="4B, 8B, O-7B, or tiny for a CPU")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--only", default="", help=f"parts, by commas, of {', '.join(PARTS)}")
    parser.add_argument("--fresh", action="store_true", help="forgets the figures kept so far")
    parser.add_argument("--results", type=Path, help="where figures are kept")
    parser.add_argument("--together", action="store_true", help="all parts in one process")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if unknown := set(filter(None, chosen.only.split(","))) - {*PARTS}:
        parser.error(f"--only: no such part: {', '.join(sorted(unknown))}")
    chosen.results = chosen.results or ROOT / "build" / "bench-gpu" / f"{chosen.shape}.json"
    if chosen.device == "cpu":
        os.environ["TRITON_INTERPRET"] = "1"  # read when Triton is imported
    if chosen.part:
        print(json.dumps(measure(chosen.part, chosen)))
        sys.exit()
    return chosen


def read(path: Path) -> dict[str, float]:
    return json.loads(path.read_text())


def in_its_own_process(part: str, chosen: argparse.Namespace) -> dict[str, float]:
    """What a part found.

    Raises:
        RuntimeError: if it failed, whatever it died of.
    """
    command = [sys.executable, __file__, "--part", part]
    command += ["--shape", chosen.shape, "--device", chosen.device]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        clock = threading.Timer(SECONDS_A_PART, process.kill)
        clock.start()
        found = None
        for line in process.stdout:
            if line.startswith("{"):
                found = json.loads(line)
            else:
                print(line, end="", flush=True)
        clock.cancel()
    if process.returncode or found is None:
        raise RuntimeError(f"its process ended with {process.returncode}")
    return found


def measure(part: str, chosen: argparse.Namespace) -> dict[str, float]:
    """Runs one part in this process and prints its tables."""
    from gpu.subject import Subject

    subject = Subject.named(chosen.shape, chosen.device)
    rate, bandwidth = subject.ceilings.matrix_rate, subject.ceilings.bandwidth
    print(f"products {rate / 1e12:.2f} TFLOP/s, copies {bandwidth / 1e9:.0f} GB/s", flush=True)
    return {} if part == "ceilings" else import_module(f"gpu.{part}").measure(subject)


if __name__ == "__main__":
    main()
