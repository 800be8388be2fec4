"""Fails if a package that is installed here needs a newer Python than the one that is named.

python too_new.py 3.11.2
"""

import sys
from importlib.metadata import distributions

from packaging.specifiers import SpecifierSet

oldest = sys.argv[1]
too_new = [
    f"{found.name} {found.version} needs Python {wanted}"
    for found in distributions()
    if (wanted := found.metadata["Requires-Python"]) and oldest not in SpecifierSet(wanted)
]
if too_new:
    sys.exit(f"not for Python {oldest}: " + ", ".join(too_new))
