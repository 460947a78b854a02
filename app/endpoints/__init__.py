"""The servers: events (WebSocket), the REST stand-in and the control API."""
