"""Where every event enters, gets a number, goes out and is journalled. No Qt, no sockets."""
