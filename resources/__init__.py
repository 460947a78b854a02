"""Files the program ships: icons. Read them through ``importlib.resources``."""
