"""What the tests use to start and watch the real things: the browser, the server."""
