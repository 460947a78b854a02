"""Access to the operating system: folders, settings, log files, locks, tokens, signals and ports."""
