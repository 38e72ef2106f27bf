"""The whole engine in virtual time against a world that breaks: thousands of seconds pass in a few milliseconds."""
