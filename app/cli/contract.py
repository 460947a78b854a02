"""``companion contract``: the contract of the UI and the backend. The modules ``contract_*`` have its commands."""

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
