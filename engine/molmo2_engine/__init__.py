"""The engine: one process per GPU that answers every operation of every request in one batch.

``client`` and ``wire`` are what a request worker imports; they load no torch.
"""
