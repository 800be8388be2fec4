"""Triton kernels of the CUDA path, imported only where there is CUDA, or Triton's interpreter.

``TRITON_INTERPRET=1`` runs each of them on the CPU, as the tests do.
"""
