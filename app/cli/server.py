"""Assemble the command group ``companion server``, which controls the event server and changes settings.
``manage`` defines the group and most of its commands. This module adds ``refuse``, ``accept`` and ``refusals``.
"""

from app.cli import manage, refusals

app = manage.server
app.command()(refusals.refuse)
app.command()(refusals.accept)
app.command()(refusals.refusals)
