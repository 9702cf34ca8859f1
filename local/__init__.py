"""The embedded cloud: AWS and Kubernetes on one machine, for the demo and the tests. Production code never imports it."""
