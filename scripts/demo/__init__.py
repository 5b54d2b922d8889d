"""One real share, end to end, on four validators: `make demo`.

`world` holds the processes and keys, `story` the share's steps in order, `refusals` what must fail,
`evidence` the auditor's part. Every step prints what it proves, and any that does not hold ends the
demo with exit code 1 and its name.
"""
