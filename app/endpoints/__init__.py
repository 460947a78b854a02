"""The servers: the event server (WebSocket), the REST stand-in (fake backend), the control API, the peer server."""
