"""Execution: what transactions do to a state, behind one seam.

`engine` defines the seam: what execution reads (`PreState`), what it gives back (`Execution`), and
the two protocols an implementation fills (`Engine`, `StateTrie`). `transition` is the one loop that
checks and builds share; `system` holds the writes that Prague makes before the first transaction.
`pyevm` is the reference engine and `state_trie` the reference trie, both pure Python; a native
engine fills the same protocols. Nothing here knows of files, heads or peers.
"""
