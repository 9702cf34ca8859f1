"""All recorded clusters together: which to check, what came of it, and which accounts have none yet."""
