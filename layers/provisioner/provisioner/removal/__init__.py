"""Taking down what a request has brought about, in four steps; each step is called until it is ready."""
