"""Each probe looks at the live state and says what it saw; none changes anything, none raises on purpose."""
