"""Everything that is kept: knows keys and SQL, knows no models."""
