"""The parts of ``engine_gpu.py``."""
