"""Every decision of the engine, with no I/O: events in, effects out. Standard library only."""
