"""The engine: whose turn it is, and the step that gives every running sequence a token."""
