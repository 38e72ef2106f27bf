"""Breaks the code on purpose, a little at a time, to learn what the tests would not notice. Not a test itself."""
