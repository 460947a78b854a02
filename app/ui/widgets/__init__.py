"""The widgets of rooms, windows and dialogs, and their delegates, painters and helpers."""
