"""The command line ``companion``: one module per group of commands; most call the control API."""
