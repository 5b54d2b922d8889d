"""Both engines against each other, on blocks that chance makes.

`programs` writes random code, `inputs` what precompiles eat, `blocks` a world and transactions in
it, `compare` runs a block on both and names the first difference. `python -m tests.differential` is
the long run; the suite runs a short one.
"""
