"""A control plane on one machine: real Kubernetes decides, real servers run as its pods."""
