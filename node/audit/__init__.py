"""Proving a trail from one file: no node, no network, no trust but in a genesis hash.

`bundle` is the file's form, `verify` runs the numbered checks of `checks_chain` and `checks_trail`
over it, `report` says what was proved and what no file can prove, and `export` gathers a bundle
from a node and the parties' journals. Nothing here imports an execution engine (N21).
"""
