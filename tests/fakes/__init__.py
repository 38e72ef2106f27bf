"""Stand-ins for what the engine meets outside: a store that obeys a script, a line that can be cut, plain adapters.

They open real sockets on loopback and move real bytes; nothing here pretends that an upload took place.
"""
