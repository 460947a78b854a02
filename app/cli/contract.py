"""The group ``companion contract``, made of the commands in the other modules ``contract_*``.
The contract is the list of events that the UI and the backend exchange, with their schemas. The commands print it
as documents, list, reload and import event files, and compare it with the UI's types and with the traffic.
"""

import typer

from app.cli import contract_check, contract_documents, contract_files, contract_import, contract_lint

app = typer.Typer(
    help="List event files, print documents about events, and compare them with the UI's types and the traffic.",
    no_args_is_help=True,
)
app.command()(contract_documents.show)
app.command()(contract_documents.asyncapi)
app.command()(contract_documents.typescript)
app.command()(contract_documents.schema)
app.command()(contract_files.files)
app.command()(contract_files.reload)
app.command("import")(contract_import.import_)
app.command()(contract_check.check)
app.command()(contract_lint.lint)
app.command()(contract_lint.rules)
