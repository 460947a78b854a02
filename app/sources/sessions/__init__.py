"""Play sessions: fire the events of scenarios and recordings in time, and check what the UI sends."""
