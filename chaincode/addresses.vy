# pragma version 0.4.3
# pragma evm-version prague
"""
@title Where the contracts live
@notice Fixed in genesis; chaincode/__init__.py gives the same addresses to Python.
"""

MEMBERS: constant(address) = 0x000000000000000000000000000000000000DA01
CATALOG: constant(address) = 0x000000000000000000000000000000000000Da02
AUTHORIZATIONS: constant(address) = 0x000000000000000000000000000000000000da03
LEASES: constant(address) = 0x000000000000000000000000000000000000DA04
