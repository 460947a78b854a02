"""Attack the running program, measure the effects, and compare the figures with limits. Each check is a *gate*.

``python -m tests.gates [NAME …] [--long]``
"""
