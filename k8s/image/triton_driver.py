"""Compiles Triton's link to the NVIDIA driver into a cache folder, on a machine without either.

    python triton_driver.py FOLDER

Triton compiles it at its first use, with a C compiler. Its key is made of its source, the
platform and, since 3.8, the folder of the driver's library. So ``FOLDER/driver`` holds an empty one
of its name, which is enough to link against; where ``TRITON_LIBCUDA_PATH`` names that folder, what
is compiled here is found, and the machine's own driver is loaded. Nothing is done where Triton is
not installed, which is so beside PyTorch for CPUs.
"""

import os
import platform
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

LINKAGES = ("", "ELF")
"""What ``platform.architecture`` says without and with the program ``file``; it is in the key."""


def compile_into(folder: Path) -> bool:
    """Whether a file ``cuda_utils*.so`` is there now for either key."""
    driver = folder / "driver"
    driver.mkdir(parents=True)
    empty = ["gcc", "-shared", "-x", "c", "/dev/null", "-o", f"{driver}/libcuda.so.1"]
    subprocess.run(empty, check=True)
    os.environ["TRITON_CACHE_DIR"] = str(folder)
    os.environ["TRITON_LIBCUDA_PATH"] = str(driver)
    from triton.backends.nvidia.driver import CudaUtils
    from triton.runtime.build import platform_key

    bits, _ = platform.architecture()
    for linkage in LINKAGES:
        platform.architecture = lambda linkage=linkage: (bits, linkage)
        platform_key.cache_clear()
        try:
            CudaUtils()
        except ImportError as error:  # compiled and kept; it cannot be loaded without a driver
            print(f"not loaded here: {error}")
    return len([*folder.glob("*/cuda_utils*.so")]) == len(LINKAGES)


if __name__ == "__main__":
    if find_spec("triton") is None:
        print("no Triton, nothing to compile")
    elif not compile_into(Path(sys.argv[1])):
        sys.exit("Triton's link to the driver was not compiled")
