"""Prints the manifest's path, for FIFTYONE_MODEL_ZOO_MANIFEST_PATHS."""

from molmo2_client.fiftyone.zoo import MANIFEST

print(MANIFEST)
