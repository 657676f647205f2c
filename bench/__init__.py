"""Measurements to run by hand, `python -m bench.<name>`; nothing of the product imports them."""
