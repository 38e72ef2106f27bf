"""Other people's programs, as they are."""
