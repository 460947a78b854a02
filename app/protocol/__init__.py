"""The event protocol: envelopes, events, fixtures and templates. Pure functions and data, without I/O."""
