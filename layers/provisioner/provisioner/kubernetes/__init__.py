"""What happens inside the cluster: our own token, the API client, the storage objects and the proof that they work."""
