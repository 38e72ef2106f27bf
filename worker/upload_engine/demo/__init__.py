"""The offline demo: a store and a network that exist in this browser alone, behind the engine's usual roles.

The engine does not know that it is a demo: it is given a ``signer`` and a ``transport`` of this room. Both reach the
``bucket`` through one ``network``, on which a person can pull any lever; the ``desk`` speaks with the panel on the page.
All of it is plain Python that runs on CPython in virtual time, but for ``shelf_of_blobs``, the edge to the browser's
storage. Nothing here can reach a server.
"""
