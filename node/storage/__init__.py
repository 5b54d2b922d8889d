"""Storage: what survives.

`kv` is the one protocol that everything is written through, with its in-memory form; `leveldb` the
form on disk, `log_scan` what is checked before it is opened (N18). Over it stand `state` (accounts,
slots and code at any root), `blocks` (headers, bodies, receipts, indices), and `chain_store`, which
puts a whole block into one synced batch. `sign_state` is a store of its own: what a validator's key
has signed (N13). Nothing here judges a block; that is the ledger's part.
"""
