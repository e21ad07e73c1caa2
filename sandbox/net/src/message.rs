//! Netlink messages: encoding a batch, walking attributes
//!
//! Source: Linux `Documentation/userspace-api/netlink/intro.rst`. A batch is one buffer of
//! messages of any families of one protocol, sent at once. The generated bindings of
//! `netlink-bindings` were looked at first: they know neither veth's peer nor nftables' masq, and
//! cannot mix link, address, route and qdisc messages in one batch.

/// `NLM_F_REQUEST`.
const REQUEST: u16 = 0x01;
/// `NLM_F_ACK`: every message of a batch is answered.
pub(crate) const ACK: u16 = 0x04;
/// `NLM_F_EXCL`: fail when it exists.
pub(crate) const EXCLUSIVE: u16 = 0x200;
/// `NLM_F_REPLACE`: change it when it exists.
pub(crate) const REPLACE: u16 = 0x100;
/// `NLM_F_CREATE`: make it when it does not exist.
pub(crate) const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`: behind what is there (rules).
pub(crate) const APPEND: u16 = 0x800;
/// `NLM_F_DUMP`.
pub(crate) const DUMP: u16 = 0x300;

/// Bytes of a message header: length, type, flags, sequence number, port.
pub(crate) const HEADER: usize = 16;
/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;

/// What a message of a batch was for: named in the fault if it is refused.
#[derive(Debug, Clone)]
pub(crate) struct Purpose {
    pub(crate) operation: &'static str,
    pub(crate) object: String,
}

/// Messages to send at once. Message n has sequence number n.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    purposes: Vec<Purpose>,
}

impl Batch {
    /// Appends a message: `kind` and `flags` for its header, `family` the fixed part behind it;
    /// attributes are added by `body`.
    pub(crate) fn push(
        &mut self,
        purpose: (&'static str, String),
        (kind, flags): (u16, u16),
        family: &[u8],
        body: impl FnOnce(&mut Attributes<'_>),
    ) {
        let start = self.bytes.len();
        let sequence = u32::try_from(self.purposes.len()).unwrap_or(u32::MAX);
        self.bytes.extend([0; 4]);
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((flags | REQUEST).to_ne_bytes());
        self.bytes.extend(sequence.to_ne_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend(family);
        pad(&mut self.bytes);
        body(&mut Attributes(&mut self.bytes));
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        if let Some(field) = self.bytes.get_mut(start..start + 4) {
            field.copy_from_slice(&length.to_ne_bytes());
        }
        let (operation, object) = purpose;
        self.purposes.push(Purpose { operation, object });
    }

    /// The bytes to send.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Purposes by sequence number.
    pub(crate) fn purposes(&self) -> &[Purpose] {
        &self.purposes
    }
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// The attributes at the end of a message that is being written.
#[derive(Debug)]
pub(crate) struct Attributes<'a>(&'a mut Vec<u8>);

impl<'a> Attributes<'a> {
    /// Those at the end of `bytes`.
    #[cfg(test)]
    pub(crate) fn of(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    /// An attribute of raw bytes.
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) -> &mut Self {
        self.frame(kind, |inner| inner.0.extend(value))
    }

    /// A NUL-terminated text.
    pub(crate) fn text(&mut self, kind: u16, value: &str) -> &mut Self {
        self.frame(kind, |inner| {
            inner.0.extend(value.as_bytes());
            inner.0.push(0);
        })
    }

    /// A number in the machine's byte order (rtnetlink).
    pub(crate) fn native(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// A number in network byte order (nfnetlink).
    pub(crate) fn network(&mut self, kind: u16, value: u32) -> &mut Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// An attribute that holds attributes.
    pub(crate) fn nest(&mut self, kind: u16, body: impl FnOnce(&mut Attributes<'_>)) -> &mut Self {
        self.frame(kind | NESTED, body)
    }

    /// A fixed part inside a nest (veth's peer begins with one).
    pub(crate) fn fixed(&mut self, value: &[u8]) -> &mut Self {
        self.0.extend(value);
        pad(self.0);
        self
    }

    fn frame(&mut self, kind: u16, body: impl FnOnce(&mut Attributes<'_>)) -> &mut Self {
        let start = self.0.len();
        self.0.extend([0; 2]);
        self.0.extend(kind.to_ne_bytes());
        body(&mut Attributes(self.0));
        let length = u16::try_from(self.0.len() - start).unwrap_or(u16::MAX);
        if let Some(field) = self.0.get_mut(start..start + 2) {
            field.copy_from_slice(&length.to_ne_bytes());
        }
        pad(self.0);
        self
    }
}

/// Walks the attributes of a received message: type without flag bits, value. Stops at the first
/// attribute whose length does not fit.
pub(crate) fn walk(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (head, _) = rest.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let kind = u16::from_ne_bytes([head[2], head[3]]) & 0x3fff;
        let value = rest.get(4..length)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// The value of the first attribute of type `kind`.
pub(crate) fn find(bytes: &[u8], kind: u16) -> Option<&[u8]> {
    walk(bytes).find_map(|(found, value)| (found == kind).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_nest_pad_and_can_be_walked() {
        let mut batch = Batch::default();
        batch.push(("make", "x".into()), (16, ACK), &[1, 2], |to| {
            to.text(3, "ab").nest(18, |inner| {
                inner.native(1, 7).bytes(2, &[9]);
            });
        });
        let bytes = batch.bytes();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(
            u32::from_ne_bytes(bytes[..4].try_into().unwrap()) as usize,
            bytes.len()
        );
        let attributes = &bytes[HEADER + 4..];
        assert_eq!(find(attributes, 3), Some(&b"ab\0"[..]));
        let nest = find(attributes, 18).unwrap();
        assert_eq!(find(nest, 1), Some(&7u32.to_ne_bytes()[..]));
        assert_eq!(find(nest, 2), Some(&[9][..]));
    }

    #[test]
    fn a_length_that_lies_ends_the_walk() {
        assert_eq!(walk(&[200, 0, 1, 0, 5]).count(), 0);
        assert_eq!(walk(&[2, 0, 1, 0]).count(), 0);
        assert_eq!(walk(&[]).count(), 0);
    }
}
