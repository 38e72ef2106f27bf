"""Which signing server it is: our own, or an Uppy Companion behind the same calls."""
