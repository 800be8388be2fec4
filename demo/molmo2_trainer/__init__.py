"""Trains the demonstration model: ``make demo-model``, or ``python -m molmo2_trainer --help``.

It needs PyTorch, transformers, pydantic and Pillow, and no network. On a machine with a GPU and
without this repository's environment, the packages of ``make bench-gpu`` do:

    PYTHONPATH=build/bench-gpu/packages:contract:demo:engine python -m molmo2_trainer run/trainer
"""
