"""What `dev.py` is made of. It needs the standard library alone."""
