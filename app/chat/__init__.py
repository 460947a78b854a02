"""What a chat backend knows: who forwards typing, what has been read."""
