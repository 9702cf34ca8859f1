"""A real Kubernetes control plane, built from Go modules alone."""
