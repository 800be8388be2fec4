"""Whether this process has begun to use CUDA, which a fork of it could then not."""

import ctypes

_NOT_INITIALISED = 3
"""CUDA_ERROR_NOT_INITIALIZED, which every call returns before ``cuInit`` (CUDA driver API)."""


def is_in_use() -> bool:
    """Asks the driver, which alone knows of every library's calls; asking begins nothing."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:  # a machine without GPUs
        return False
    return bool(driver.cuDeviceGetCount(ctypes.byref(ctypes.c_int())) != _NOT_INITIALISED)
