"""Measurements that are run by hand: what a number in the documentation rests on."""
