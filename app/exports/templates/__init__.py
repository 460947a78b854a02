"""Write recorded traffic as source text of other tools: tests for Playwright and pytest, handlers for
MSW, and a bug report.

``script.py`` converts a recording to steps that the templates share; each template is a module that writes them.
"""
