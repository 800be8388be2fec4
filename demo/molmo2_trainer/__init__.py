"""Trains the demonstration model: ``make demo-model``, or ``python -m molmo2_trainer --help``.

Beside the words of answers it is taught where to look (``guides``) and what to keep (``probes``),
because told by the words alone it takes millions of clips to find out. ``--from-nothing`` begins
with random weights, and then the eyes need steps too (``--eye-steps``).

It needs PyTorch, transformers, pydantic and Pillow, and no network. On a machine with a GPU and
without this repository's environment, the packages of ``make bench-gpu`` do:

    PYTHONPATH=build/bench-gpu/packages:contract:demo:engine python -m molmo2_trainer run/trainer \\
        --steps 12000 --clips 48
"""
