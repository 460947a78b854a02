"""Sources, which fire events by themselves (such as auto-reply), and the composer, which expands templates."""
