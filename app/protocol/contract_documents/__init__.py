"""Documents about the contract: AsyncAPI, TypeScript, JSON Schemas and a readable page; AsyncAPI documents that are
converted to event files; and the comparison with the types of a UI.
"""
