"""The embedded cloud's Kubernetes: a control plane (embedded or real) and the Fargate simulator that drives either."""
