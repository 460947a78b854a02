"""The control API: everything that the window can do, for scripts (``http://127.0.0.1:8082/v1``)."""
