# pragma version 0.4.3
# pragma evm-version prague
"""
@title Identifiers of legal entities
@notice An LEI is 20 characters with two check digits (ISO 17442: ISO 7064 MOD 97-10); a USCC is 18
        characters with one (GB 32100-2015: weights 3^i modulo 31). Both are ASCII in a bytes32,
        padded with zeros on the right.
"""

USCC_DIGITS: constant(Bytes[31]) = b"0123456789ABCDEFGHJKLMNPQRTUWXY"


@internal
@pure
def is_entity(identifier: bytes32) -> bool:
    """
    @notice Whether the identifier is a well-formed LEI or USCC with the right check digits.
    """
    word: uint256 = convert(identifier, uint256)
    if word & (2**96 - 1) != 0:
        return False
    if word & (2**112 - 1) == 0:
        return self._is_uscc(word)
    return self._is_lei(word)


@internal
@pure
def _is_lei(word: uint256) -> bool:
    remainder: uint256 = 0
    for i: uint256 in range(20):
        character: uint256 = (word >> (248 - 8 * i)) & 255
        if character >= 48 and character <= 57:
            remainder = (remainder * 10 + character - 48) % 97
        elif character >= 65 and character <= 90:
            remainder = (remainder * 100 + character - 55) % 97
        else:
            return False
    return remainder == 1


@internal
@pure
def _is_uscc(word: uint256) -> bool:
    total: uint256 = 0
    weight: uint256 = 1
    for i: uint256 in range(18):
        value: uint256 = self._uscc_value((word >> (248 - 8 * i)) & 255)
        if value == 31:
            return False
        if i < 17:
            total = (total + value * weight) % 31
            weight = weight * 3 % 31
        else:
            total = (total + value) % 31
    return total == 0


@internal
@pure
def _uscc_value(character: uint256) -> uint256:
    digits: Bytes[31] = USCC_DIGITS
    for i: uint256 in range(31):
        if convert(slice(digits, i, 1), uint256) == character:
            return i
    return 31
