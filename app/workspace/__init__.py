"""The one door: an open vault and all that may be done with it."""
