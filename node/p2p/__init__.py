"""Peers: frames, sessions and the network of permissioned nodes.

Nodes speak over websockets in mutual TLS 1.3. The accepting side trusts the certificate authorities
that the ledger's registry names; then each side says hello by a signature that binds chain, TLS
certificate and node key. Whatever a peer can grow is limited where it acts: bytes of a frame,
frames in a queue, connections before and after hello, and marks for broken rules.
"""
