"""The command ``molmo2``: one file a subcommand."""
