"""The measuring bench: what a network does under load, seen through its doors only.

    presign      transactions signed beforehand by several processes, kept in one file
    target       a fresh network, or a peer (anvil), with its doors and its processes
    state        a network whose contract holds millions of slots before the load begins
    flight       what was sent and what has been seen in a block, with the times
    sending      batches of 100 over all ports, open loop at a rate or as fast as answers come
    watching     blocks as they come, and a probe twice a second
    usage        CPU, memory and disk of a target's processes
    measure      one run: warm up, load, wait for the last, verify, figures
    cases        which runs there are
    summary      percentiles, medians with minimum and maximum
    results      JSON lines in run/bench
    comparison   ratios against those recorded, with a tolerance
    report       docs/performance.md; `plot` draws its picture
    steady       two plain loads with a client of no special kind

The work is one contract call that writes a fresh slot, moves a counter and emits an event.
"""
