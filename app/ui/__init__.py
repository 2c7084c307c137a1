"""The window: widgets that know Qt and the workspace."""
