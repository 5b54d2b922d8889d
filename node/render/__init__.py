"""Terms as people and other systems read them: text, ODRL, consent records, DPV.

Rendering is one-way. Everything here is computed from the signed structure and the vocabulary,
names the digest that was signed, and is never read back: where a rendering and the structure
differ, the structure is right. What the structure does not hold, such as a member's name, comes
from a `Directory` and is marked as not signed. Pure: no clock, no files.
"""
