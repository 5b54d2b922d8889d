"""Nine scenarios of a data economy, A to I, at small scale: `make scenarios`.

Each file plays one in terms of authorizations, leases, receipts and what may follow. On four
validators, uses in `fields` and `query` go through the provider's gateway; of `psi`, `mpc` and
`model` only the record is played, and the table says so. `stage` holds the consortium; the same
scenarios run on a foreign node, where nothing but contracts, SDK and command line is there.
"""
