"""The embedded cloud: AWS and Kubernetes on one machine, for demo and tests. Production code never imports it."""
