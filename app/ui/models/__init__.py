"""Qt item models: the event log, clients, fixtures and chats."""
