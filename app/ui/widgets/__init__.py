"""Pieces that rooms share."""
