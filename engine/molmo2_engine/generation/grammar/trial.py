"""Compiles the grammar on standard input and says what is wrong with it; run as a script.

Compiling a hostile schema can take hours, and a thread cannot be stopped: a process can.
"""

import resource
import sys

from llguidance import LLMatcher

_MEMORY = 2 << 30
"""Bytes of address space."""

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    sys.stdout.write(LLMatcher.validate_grammar(sys.stdin.read()))
