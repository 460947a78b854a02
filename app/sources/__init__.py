"""Sources: components that fire events by themselves, and the composer of events from templates."""
