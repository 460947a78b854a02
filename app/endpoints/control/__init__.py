"""The control API: an HTTP API for scripts and the command line (by default ``http://127.0.0.1:8082/v1``)."""
