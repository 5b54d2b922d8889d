"""Proving a trail from one file: no node, no network, no trust but in a genesis hash.

`bundle` is the file's one form. `verify` is the argument: the chain's checks, then those of each
authorization (`checks_*`), over the `evidence` that the checks before have proved. `report` says
what was proved and what no file can prove, `timeline` what happened. `export` gathers a bundle from
a node and the parties' journals. Nothing here imports an execution engine (N21).
"""
