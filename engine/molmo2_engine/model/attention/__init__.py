"""Attention, exact and without a mask of tokens by tokens: over media, and over KV pages."""
