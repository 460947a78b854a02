"""What the operating system gives: folders, settings, log files, locks, ports."""
