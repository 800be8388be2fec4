"""What the engine publishes about itself, as Prometheus metrics."""
