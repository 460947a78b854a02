"""Convert AsyncAPI 3.x documents to event files. ``convert.import_asyncapi`` is the entry point."""
