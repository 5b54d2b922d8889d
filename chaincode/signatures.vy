# pragma version 0.4.3
# pragma evm-version prague
"""
@title Typed signatures
@notice EIP-712 digests under the domain of one contract of this chain, and the one accepted form of a
        secp256k1 signature: 65 bytes r, s, v with s in the lower half (EIP-2), v 0 or 1 (27 and 28
        as wallets write them are taken too).
"""

DOMAIN_TYPE: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
NAME: constant(bytes32) = keccak256("Dataccord")
VERSION: constant(bytes32) = keccak256("1")
# Half the order of secp256k1.
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168


@internal
@view
def digest(contract: address, structure: bytes32) -> bytes32:
    """
    @notice keccak256(0x1901, domain separator, hash of the structure): the 32 bytes that are signed.
    @param contract The one contract that signatures over this kind of structure are for.
    """
    domain: bytes32 = keccak256(abi_encode(DOMAIN_TYPE, NAME, VERSION, chain.id, contract))
    return keccak256(concat(x"1901", domain, structure))


@internal
@pure
def signer(signed: bytes32, signature: Bytes[130]) -> address:
    """
    @notice The account whose key signed; the zero address for anything malformed.
    """
    if len(signature) != 65:
        return empty(address)
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    if v < 27:
        v += 27
    if s > HALF_ORDER or v > 28:
        return empty(address)
    return ecrecover(signed, v, r, s)
