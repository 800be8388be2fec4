"""Keys and values: of the running sequences, and of the prefixes that they share."""
