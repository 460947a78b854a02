"""The gates of the fortress: what an attack on the sockets must not achieve, with figures.

``python -m tests.gates [NAME …] [--long]``
"""
