"""The manual that is installed with the program: find, read and search its pages. No Qt."""
