"""What an earlier version promised still works: its API, commands, settings, files and data folder."""
