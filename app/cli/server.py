"""The group ``companion server``: the commands of ``manage`` and ``refusals`` for the servers and the settings."""

from app.cli import manage, refusals

app = manage.server
app.command()(refusals.refuse)
app.command()(refusals.accept)
app.command()(refusals.refusals)
