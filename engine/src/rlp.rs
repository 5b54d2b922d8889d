//! Recursive Length Prefix, canonical in both directions, as `node.spec.codec` has it.
//!
//! `check` walks a whole encoding once, without recursion, and says what `codec.decode` would say;
//! after it an `Item` can be taken apart without a second look. The `to_*` methods turn items into
//! values with codec's words.

use alloy_primitives::{Address, B256, U256};

use crate::fault::Refusal;

/// Deepest nesting of lists, as `codec.DEPTH_MAX`.
const DEPTH_MAX: usize = 16;

type Read<T> = Result<T, Refusal>;

/// A byte string, or the payload of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    Bytes(&'a [u8]),
    List(&'a [u8]),
}

/// Refuse `data` unless it is one canonical item and nothing more.
pub fn check(data: &[u8]) -> Read<()> {
    let (start, length) = prefix(data, 0, data.len())?;
    if start + length != data.len() {
        return Err(Refusal::because(
            "RLP: bytes after the end",
            format!("at offset {} of {}", start + length, data.len()),
        ));
    }
    let mut ends = vec![data.len()];
    let mut position = 0;
    while let Some(&limit) = ends.last() {
        if position == limit {
            ends.pop();
            continue;
        }
        let (start, length) = prefix(data, position, limit)?;
        position = if data[position] < 0xC0 {
            start + length
        } else {
            if ends.len() > DEPTH_MAX {
                let why = format!("more than {DEPTH_MAX} lists");
                return Err(Refusal::because("RLP: nested too deep", why));
            }
            ends.push(start + length);
            start
        };
    }
    Ok(())
}

/// Return where the payload of the item at `position` starts and how long it is.
fn prefix(data: &[u8], position: usize, limit: usize) -> Read<(usize, usize)> {
    if position >= limit {
        return Err(Refusal::of("RLP: no bytes"));
    }
    let first = data[position];
    if first < 0x80 {
        return Ok((position, 1));
    }
    let short = usize::from(first - if first < 0xC0 { 0x80 } else { 0xC0 });
    let (start, length) = if short < 56 {
        (position + 1, short)
    } else {
        let end = position + 1 + short - 55;
        (end, long_length(&data[position + 1..end.min(limit)])?)
    };
    if start > limit || length > limit - start {
        let why = format!("{length} bytes claimed at offset {start}");
        return Err(Refusal::because("RLP: truncated", why));
    }
    if first == 0x81 && data[start] < 0x80 {
        let why = format!("at offset {start}");
        return Err(Refusal::because("RLP: single byte behind a prefix", why));
    }
    Ok((start, length))
}

fn long_length(digits: &[u8]) -> Read<usize> {
    let length = digits.iter().fold(0_u64, |sum, digit| sum.wrapping_shl(8) | u64::from(*digit));
    if digits.first().is_none_or(|digit| *digit == 0) || length < 56 {
        return Err(Refusal::of("RLP: length truncated or not minimal"));
    }
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

/// Return the one item that checked `data` is.
pub fn whole(data: &[u8]) -> Item<'_> {
    Items(data).next().unwrap_or(Item::Bytes(&[]))
}

/// The items of a checked list's payload.
#[derive(Clone)]
pub struct Items<'a>(pub &'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        let (start, length) = prefix(self.0, 0, self.0.len()).ok()?;
        let (is_list, payload) = (self.0[0] >= 0xC0, &self.0[start..start + length]);
        self.0 = &self.0[start + length..];
        Some(if is_list { Item::List(payload) } else { Item::Bytes(payload) })
    }
}

impl<'a> Item<'a> {
    /// Return the list's items, exactly `length` of them where given.
    pub fn to_list(self, what: &str, length: Option<usize>) -> Read<Vec<Item<'a>>> {
        let Item::List(payload) = self else {
            return Err(Refusal::of(format!("{what}: expected a list, found a string")));
        };
        let items: Vec<_> = Items(payload).collect();
        match length {
            Some(wanted) if wanted != items.len() => {
                Err(Refusal::of(format!("{what}: expected {wanted} items, found {}", items.len())))
            }
            _ => Ok(items),
        }
    }

    /// Return the byte string.
    pub fn to_bytes(self, what: &str) -> Read<&'a [u8]> {
        match self {
            Item::Bytes(data) => Ok(data),
            Item::List(_) => Err(Refusal::of(format!("{what}: expected a string, found a list"))),
        }
    }

    fn exact<const N: usize>(self, what: &str) -> Read<[u8; N]> {
        let data = self.to_bytes(what)?;
        data.try_into()
            .map_err(|_| Refusal::of(format!("{what}: expected {N} bytes, found {}", data.len())))
    }

    /// Return the integer, below 2**`bits` and without leading zeros.
    pub fn to_int(self, what: &str, bits: usize) -> Read<U256> {
        let data = self.to_bytes(what)?;
        if data.first() == Some(&0) {
            return Err(Refusal::of(format!("{what}: integer with a leading zero")));
        }
        let value = if data.len() > 32 { None } else { U256::try_from_be_slice(data) };
        value
            .filter(|value| value.bit_len() <= bits)
            .ok_or_else(|| Refusal::of(format!("{what}: integer above {bits} bits")))
    }

    /// Return the integer, below 2**64.
    pub fn to_u64(self, what: &str) -> Read<u64> {
        Ok(self.to_int(what, 64)?.to::<u64>())
    }

    /// Return the 20-byte address.
    pub fn to_address(self, what: &str) -> Read<Address> {
        Ok(Address::from(self.exact::<20>(what)?))
    }

    /// Return the 32-byte hash.
    pub fn to_hash(self, what: &str) -> Read<B256> {
        Ok(B256::from(self.exact::<32>(what)?))
    }
}

/// Append the prefix of a list whose payload has `length` bytes.
pub fn put_list_prefix(length: usize, out: &mut Vec<u8>) {
    alloy_rlp::Header { list: true, payload_length: length }.encode(out);
}

/// Append a byte string.
pub fn put_bytes(data: &[u8], out: &mut Vec<u8>) {
    alloy_rlp::Encodable::encode(data, out);
}

/// Append an integer in its minimal form.
pub fn put_int(value: U256, out: &mut Vec<u8>) {
    alloy_rlp::Encodable::encode(&value, out);
}

/// Return the list with this payload.
pub fn list(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(payload.len() + 9);
    put_list_prefix(payload.len(), &mut out);
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
mod tests {
    //! Each refusal of the codec, and that nothing canonical is refused.
    use super::*;

    fn refused(data: &[u8]) -> String {
        check(data).expect_err("refused").what
    }

    #[test]
    fn canonical_items_pass() {
        for data in [&b"\x80"[..], b"\x05", b"\xc0", b"\xc2\xc0\x80", b"\x83abc"] {
            check(data).expect("canonical");
        }
        let long = [&[0xB8, 56][..], &[7; 56]].concat();
        check(&long).expect("canonical");
        assert_eq!(whole(&long), Item::Bytes(&[7; 56]));
    }

    #[test]
    fn everything_else_is_refused() {
        assert_eq!(refused(b""), "RLP: no bytes");
        assert_eq!(refused(b"\x80\x80"), "RLP: bytes after the end");
        assert_eq!(refused(b"\x83ab"), "RLP: truncated");
        assert_eq!(refused(b"\x81\x05"), "RLP: single byte behind a prefix");
        assert_eq!(refused(b"\xb8\x05abcde"), "RLP: length truncated or not minimal");
        assert_eq!(refused(b"\xbf\xff\xff\xff\xff\xff\xff\xff\xff"), "RLP: truncated");
        let deep: Vec<u8> = (0..20_u8).rev().map(|depth| 0xC0 + depth).collect();
        assert_eq!(refused(&deep), "RLP: nested too deep");
    }

    #[test]
    fn integers_are_minimal_and_bounded() {
        assert_eq!(Item::Bytes(b"\x01\x00").to_u64("n"), Ok(256));
        assert!(Item::Bytes(b"\x00").to_u64("n").is_err());
        assert!(Item::Bytes(&[1; 9]).to_u64("n").is_err());
        assert!(Item::Bytes(&[1; 33]).to_int("n", 256).is_err());
        assert!(Item::List(b"").to_u64("n").is_err());
    }
}
