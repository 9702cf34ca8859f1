"""What has to hold on the embedded and on the real control plane alike; importing a module registers its cases."""
