"""The pure foundation: everything an auditor must trust, and nothing that touches the world.

Types, canonical encodings, cryptography, tries, blocks, seals, terms and usage receipts. A value
goes in and a value or an error of `node.errors` comes out; there is no clock, no chance, no file
and no socket on this floor. Node wing and client wing stand on it alike.
"""
