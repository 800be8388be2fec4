"""A model of many pods behind an autoscaler: what it costs, and how long callers wait."""
