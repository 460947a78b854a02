"""Play sessions (scenarios and recordings): fire their events at their times, and check what the UI sends."""
