"""Tests of the real program in its own process: with sockets, terminals, a browser and a desktop."""
