"""How the layers are built, on any host with Python 3.11 or newer; the standard library and pip are all it needs."""
