"""Tests that the API, commands, settings, files and data folder of earlier versions still work."""
