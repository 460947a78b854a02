"""The core of the companion: send events to clients, route their frames, and journal everything.

No Qt and no sockets.
"""
