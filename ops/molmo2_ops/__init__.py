"""What runs beside a TorchServe: truthful health and metrics, a watchdog, and an orderly end.

``python -m molmo2_ops`` is one process for one TorchServe; ``molmo2 serve`` starts it.
"""
