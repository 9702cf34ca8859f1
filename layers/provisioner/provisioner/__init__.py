"""Converges one EKS-on-Fargate cluster with shared EFS storage and proves that the storage works."""
