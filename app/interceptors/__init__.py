"""Interceptors that hold, change or drop causes on request."""
