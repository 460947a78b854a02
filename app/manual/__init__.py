"""Find, read and search the pages of the installed manual, and convert them to plain text. No Qt."""
