"""The surface: JSON-RPC 2.0 over HTTP and WebSocket, in the shapes that web3 clients expect.

`server` and `websocket` carry requests, `dispatch` turns them into calls of the method table,
`eth`, `calls`, `filters` and `ledger` are the methods, and `shapes` is the only place that writes
spec objects as JSON. Error codes and texts are geth's, because client libraries match on them.
"""
