"""The control API: an HTTP API for scripts with everything that the window can do (``http://127.0.0.1:8082/v1``)."""
