"""The chain: what makes a block valid, and the ledger that grows by valid blocks.

`genesis_file` reads and writes Besu's `genesis.json`, `genesis` composes one from chaincode and
`predeploys`; `header_rules` judges a header against its parent; `ledger` builds, checks and commits
blocks. Consensus decides which block, storage keeps it, execution runs it: here they meet.
"""
