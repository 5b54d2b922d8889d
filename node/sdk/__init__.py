"""The client's view of the ledger: async, typed, and trusting no node further than a proof goes.

`client` speaks JSON-RPC over a `Transport` seam, `light` follows headers by their seals and reads
state by proofs, `abi` and `contracts` turn chaincode into methods, `sender` signs and waits for
finality. Nothing here imports the node's own wing.
"""
