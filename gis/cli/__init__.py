"""The command line: parse, open one transaction, call a noun, print."""
