"""Whatever fires by itself; each source calls the companion's fire()."""
