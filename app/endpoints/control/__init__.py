"""The control API: an HTTP API for scripts with most of what the window can do (``http://127.0.0.1:8082/v1``)."""
