"""A consortium in one process: real consensus, sync and ledger code in a seeded, faulty world.

    world    the clock and the one source of chance
    network  links that lose, delay, repeat and part
    keys     signatures: cheap, or in every tenth story real
    chain    each node's ledger: the product's own, over a store in memory
    engine   a toy engine for nine stories in ten, and the transactions of all
    member   a node: the host around the machines
    liars    members that break the rules
    checker  the judge, which shares no rule with what it judges
    story    what a seed makes happen, from the first block to the last

`python -m scripts.sim --seed N` tells one story; `make sim SEEDS=...` many.
"""
