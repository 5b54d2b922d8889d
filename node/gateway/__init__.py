"""The provider's gateway: data leaves its owner's domain only against recorded permission.

`guard` decides from proved ledger state before a byte of data is read, `sources` answers on the
provider's own file, `meter` numbers, signs and keeps the receipts, and `server` is the door.
"""
