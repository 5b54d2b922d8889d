"""The Dataccord node: two wings, ledger and client, over one pure foundation in `node.spec`."""
