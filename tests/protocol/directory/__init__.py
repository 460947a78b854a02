"""Tests of the values of the directory."""
