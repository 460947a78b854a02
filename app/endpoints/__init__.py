"""The servers: the event server (WebSocket), the REST stand-in (fake backend) and the control API for scripts."""
