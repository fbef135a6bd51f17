//! Who is on the phone: `dialog-info+xml` (RFC 4235), what lamps beside the keys of a phone show.

use super::xml::{Attributes, Event, Reader, Text, attribute, number};
use crate::error::{BufferTooSmall, Fault, ParseError};
use crate::message::Writer;

/// The state of a dialog (RFC 4235 section 3.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DialogState {
    /// `trying`: an INVITE was sent.
    Trying,
    /// `proceeding`: it was answered with 100, or without a tag.
    Proceeding,
    /// `early`: it rings.
    Early,
    /// `confirmed`: they talk.
    Confirmed,
    /// `terminated`.
    Terminated,
}

impl DialogState {
    const ALL: [Self; 5] =
        [Self::Trying, Self::Proceeding, Self::Early, Self::Confirmed, Self::Terminated];

    /// The text as it stands.
    pub const fn name(self) -> &'static [u8] {
        match self {
            Self::Trying => b"trying",
            Self::Proceeding => b"proceeding",
            Self::Early => b"early",
            Self::Confirmed => b"confirmed",
            Self::Terminated => b"terminated",
        }
    }
}

/// Who called (RFC 4235 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Direction {
    /// The one who is watched.
    Initiator,
    /// The other side.
    Recipient,
}

/// One side of a dialog (RFC 4235 section 4.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Participant<'d> {
    /// The URI of From or To.
    pub identity: Option<Text<'d>>,
    /// The display name beside it.
    pub display: Option<Text<'d>>,
    /// The URI that requests go to.
    pub target: Option<Text<'d>>,
}

/// A dialog (RFC 4235 section 4.1.2). With Call-ID and tags it can be picked up: they are what a
/// Replaces header names (RFC 3891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DialogItem<'d> {
    /// Tells apart the dialogs of a document.
    pub id: Text<'d>,
    /// The Call-ID.
    pub call_id: Option<Text<'d>>,
    /// The tag of the one who is watched.
    pub local_tag: Option<Text<'d>>,
    /// The tag of the other side.
    pub remote_tag: Option<Text<'d>>,
    /// Who called.
    pub direction: Option<Direction>,
    /// The state.
    pub state: DialogState,
    /// The status code that led to the state.
    pub code: Option<u32>,
    /// What led to the state: `rejected`, `cancelled`, `local-bye`, ….
    pub event: Option<Text<'d>>,
    /// For how many seconds the dialog has been there.
    pub duration_s: Option<u32>,
    /// The one who is watched.
    pub local: Participant<'d>,
    /// The other side.
    pub remote: Participant<'d>,
}

impl<'d> DialogItem<'d> {
    /// A dialog with a state and nothing else.
    pub const fn new(id: &'d [u8], state: DialogState) -> Self {
        Self::of(Text::plain(id), state)
    }

    const fn of(id: Text<'d>, state: DialogState) -> Self {
        const NOBODY: Participant<'static> =
            Participant { identity: None, display: None, target: None };
        Self {
            id,
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: None,
            state,
            code: None,
            event: None,
            duration_s: None,
            local: NOBODY,
            remote: NOBODY,
        }
    }
}

/// Where the dialogs of a document stand.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Dialogs<'d> {
    /// In a document that was read once without error.
    Document(&'d [u8]),
    /// In a list.
    List(&'d [DialogItem<'d>]),
}

/// A `dialog-info` document (RFC 4235 section 4.1): a view that reads its dialogs when they are asked
/// for.
///
/// ```
/// use sip_core::presence::{DialogInfo, DialogItem, DialogState};
///
/// let dialogs = [DialogItem::new(b"as7d900as8", DialogState::Early)];
/// let info = DialogInfo::new(b"sip:alice@example.com", 1, true, &dialogs);
/// let mut buffer = [0; 512];
/// let length = info.write(&mut buffer)?;
/// let read = DialogInfo::parse(&buffer[..length]).unwrap();
/// assert!(read.dialogs().all(|dialog| dialog.state == DialogState::Early));
/// # Ok::<(), sip_core::error::BufferTooSmall>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DialogInfo<'d> {
    /// Whose dialogs these are: a URI.
    pub entity: Text<'d>,
    /// Counts the documents of a subscription: after a partial one whose number is not the next, the
    /// subscriber asks for all again (RFC 4235 section 4.3).
    pub version: u32,
    /// Whether these are all dialogs, or only those that have changed.
    pub is_full: bool,
    dialogs: Dialogs<'d>,
}

impl<'d> DialogInfo<'d> {
    /// The media type.
    pub const CONTENT_TYPE: &'static [u8] = b"application/dialog-info+xml";

    /// A document with these dialogs.
    pub const fn new(
        entity: &'d [u8],
        version: u32,
        is_full: bool,
        dialogs: &'d [DialogItem<'d>],
    ) -> Self {
        let entity = Text::plain(entity);
        Self { entity, version, is_full, dialogs: Dialogs::List(dialogs) }
    }

    /// Reads a document whole. Elements are known by their local names, whatever their prefixes.
    ///
    /// # Errors
    /// [`Fault::Xml`], [`Fault::XmlDepth`], or [`Fault::Document`] where the root is not
    /// `dialog-info`, lacks one of its attributes, or a dialog lacks `id` or a known `state`.
    pub fn parse(octets: &'d [u8]) -> Result<Self, ParseError> {
        let fault = ParseError::new(Fault::Document, 0);
        let mut reader = Reader::new(octets);
        let (entity, version, state) = match reader.next()? {
            Some(Event::Start { name, attributes }) if name.local == b"dialog-info" => (
                attributes.get(b"entity").ok_or(fault)?,
                attributes.get(b"version").and_then(number).ok_or(fault)?,
                attributes.get(b"state").ok_or(fault)?,
            ),
            _ => return Err(fault),
        };
        let is_full = match state.raw() {
            b"full" => true,
            b"partial" => false,
            _ => return Err(fault),
        };
        while next_dialog(&mut reader)?.is_some() {}
        Ok(Self { entity, version, is_full, dialogs: Dialogs::Document(octets) })
    }

    /// Each dialog in turn.
    pub fn dialogs(&self) -> impl Iterator<Item = DialogItem<'d>> + use<'d> {
        let (octets, list) = match self.dialogs {
            Dialogs::Document(octets) => (octets, &[][..]),
            Dialogs::List(list) => (&b""[..], list),
        };
        let mut reader = Reader::new(octets);
        // The root's start, which was there when the document was read; without a document an error.
        let read = matches!(reader.next(), Ok(Some(_)));
        let document =
            core::iter::from_fn(move || if read { next_dialog(&mut reader).ok()? } else { None });
        list.iter().copied().chain(document)
    }

    /// How many octets [`write`](Self::write) takes.
    pub fn encoded_len(&self) -> usize {
        let mut writer = Writer::new(&mut []);
        self.write_to(&mut writer);
        writer.len()
    }

    /// Writes the document, and gives its length.
    ///
    /// # Errors
    /// [`BufferTooSmall`] with what is needed.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let room = buffer.len();
        let mut writer = Writer::new(buffer);
        self.write_to(&mut writer);
        match writer.len() {
            length if length <= room => Ok(length),
            needed => Err(BufferTooSmall { needed }),
        }
    }

    fn write_to(&self, to: &mut Writer<'_>) {
        to.fixed(
            b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
              <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"",
        );
        to.number(self.version);
        to.fixed(if self.is_full { b"\" state=\"full\"" } else { b"\" state=\"partial\"" });
        attribute(to, b"entity", Some(&self.entity));
        to.fixed(b">\r\n");
        for dialog in self.dialogs() {
            dialog.write_to(to);
        }
        to.fixed(b"</dialog-info>\r\n");
    }
}

impl PartialEq for DialogInfo<'_> {
    fn eq(&self, other: &DialogInfo<'_>) -> bool {
        self.entity == other.entity
            && (self.version, self.is_full) == (other.version, other.is_full)
            && self.dialogs().eq(other.dialogs())
    }
}

impl Eq for DialogInfo<'_> {}

/// The next dialog among the elements of the root; the reader stands inside that.
fn next_dialog<'d>(reader: &mut Reader<'d>) -> Result<Option<DialogItem<'d>>, ParseError> {
    while let Some(event) = reader.next()? {
        match event {
            Event::Start { name, attributes } if name.local == b"dialog" => {
                return dialog(reader, attributes).map(Some);
            }
            Event::Start { .. } => reader.skip_element()?,
            _ => {}
        }
    }
    Ok(None)
}

fn dialog<'d>(
    reader: &mut Reader<'d>,
    attributes: Attributes<'d>,
) -> Result<DialogItem<'d>, ParseError> {
    let fault = ParseError::new(Fault::Document, reader.offset());
    let inside = reader.depth();
    let mut item = DialogItem::of(attributes.get(b"id").ok_or(fault)?, DialogState::Terminated);
    item.call_id = attributes.get(b"call-id");
    item.local_tag = attributes.get(b"local-tag");
    item.remote_tag = attributes.get(b"remote-tag");
    item.direction = match attributes.get(b"direction").map(|text| text.raw()) {
        Some(b"initiator") => Some(Direction::Initiator),
        Some(b"recipient") => Some(Direction::Recipient),
        _ => None,
    };
    let mut state = None;
    while reader.depth() >= inside {
        let Some(event) = reader.next()? else { break };
        let Event::Start { name, attributes } = event else { continue };
        match name.local {
            b"state" => {
                item.code = attributes.get(b"code").and_then(number);
                item.event = attributes.get(b"event");
                let text = reader.text()?;
                let is = |state: &DialogState| text.is_some_and(|text| text.raw() == state.name());
                state = DialogState::ALL.into_iter().find(is);
            }
            b"duration" => item.duration_s = reader.text()?.and_then(number),
            b"local" => item.local = participant(reader)?,
            b"remote" => item.remote = participant(reader)?,
            _ => reader.skip_element()?,
        }
    }
    item.state = state.ok_or(fault)?;
    Ok(item)
}

fn participant<'d>(reader: &mut Reader<'d>) -> Result<Participant<'d>, ParseError> {
    let inside = reader.depth();
    let mut one = Participant::default();
    while reader.depth() >= inside {
        let Some(event) = reader.next()? else { break };
        let Event::Start { name, attributes } = event else { continue };
        match name.local {
            b"identity" => {
                // Of several, the first that says something.
                let (display, identity) = (attributes.get(b"display"), reader.text()?);
                if one.identity.is_none() && identity.is_some() {
                    (one.display, one.identity) = (display, identity);
                }
            }
            b"target" => {
                one.target = attributes.get(b"uri");
                reader.skip_element()?;
            }
            _ => reader.skip_element()?,
        }
    }
    Ok(one)
}

impl DialogItem<'_> {
    fn write_to(&self, to: &mut Writer<'_>) {
        to.fixed(b"<dialog");
        attribute(to, b"id", Some(&self.id));
        attribute(to, b"call-id", self.call_id.as_ref());
        attribute(to, b"local-tag", self.local_tag.as_ref());
        attribute(to, b"remote-tag", self.remote_tag.as_ref());
        to.fixed(match self.direction {
            None => b"",
            Some(Direction::Initiator) => b" direction=\"initiator\"",
            Some(Direction::Recipient) => b" direction=\"recipient\"",
        });
        to.fixed(b"><state");
        attribute(to, b"event", self.event.as_ref());
        if let Some(code) = self.code {
            to.fixed(b" code=\"");
            to.number(code);
            to.fixed(b"\"");
        }
        to.fixed(b">");
        to.fixed(self.state.name());
        to.fixed(b"</state>");
        if let Some(seconds) = self.duration_s {
            to.fixed(b"<duration>");
            to.number(seconds);
            to.fixed(b"</duration>");
        }
        self.local.write_to(b"local", to);
        self.remote.write_to(b"remote", to);
        to.fixed(b"</dialog>\r\n");
    }
}

impl Participant<'_> {
    fn write_to(&self, name: &[u8], to: &mut Writer<'_>) {
        if *self == Self::default() {
            return;
        }
        to.fixed(b"<");
        to.fixed(name);
        to.fixed(b">");
        if let Some(identity) = &self.identity {
            to.fixed(b"<identity");
            attribute(to, b"display", self.display.as_ref());
            to.fixed(b">");
            identity.write(to);
            to.fixed(b"</identity>");
        }
        if self.target.is_some() {
            to.fixed(b"<target");
            attribute(to, b"uri", self.target.as_ref());
            to.fixed(b"/>");
        }
        to.fixed(b"</");
        to.fixed(name);
        to.fixed(b">");
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// As in RFC 4235 section 6.1.
    const EXAMPLE: &str = r#"<?xml version="1.0"?>
      <dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="2" state="partial"
                   entity="sip:alice@example.com">
        <dialog id="as7d900as8" call-id="a84b4c76e66710" local-tag="1928301774"
                remote-tag="456887766" direction="initiator">
          <state event="remote-bye" code="200">terminated</state>
          <duration>274</duration>
          <local><identity display="Alice &amp; Co">sip:alice@example.com</identity>
            <target uri="sip:alice@pc33.example.com"><param pname="+sip.rendering" pval="no"/></target></local>
          <remote><identity>sip:bob@example.org</identity><target uri="sip:bobster@phone21.example.org"/></remote>
        </dialog>
        <x:more xmlns:x="urn:x"><x:dialog id="none of ours"/></x:more>
        <dialog id="2"><state>early</state></dialog>
      </dialog-info>"#;

    #[test]
    fn the_example_of_rfc_4235_is_read() {
        let info = DialogInfo::parse(EXAMPLE.as_bytes()).unwrap();
        assert_eq!(info.entity, b"sip:alice@example.com"[..]);
        assert_eq!((info.version, info.is_full), (2, false));
        let dialogs: Vec<_> = info.dialogs().collect();
        assert_eq!(dialogs.len(), 2);
        let first = dialogs[0];
        assert_eq!(first.call_id.unwrap(), b"a84b4c76e66710"[..]);
        assert_eq!(first.local_tag.unwrap(), b"1928301774"[..]);
        assert_eq!(first.remote_tag.unwrap(), b"456887766"[..]);
        assert_eq!(first.direction, Some(Direction::Initiator));
        assert_eq!((first.state, first.code), (DialogState::Terminated, Some(200)));
        assert_eq!(first.event.unwrap(), b"remote-bye"[..]);
        assert_eq!(first.duration_s, Some(274));
        assert_eq!(first.local.display.unwrap(), b"Alice & Co"[..]);
        assert_eq!(first.remote.identity.unwrap(), b"sip:bob@example.org"[..]);
        assert_eq!(first.remote.target.unwrap(), b"sip:bobster@phone21.example.org"[..]);
        assert_eq!(dialogs[1], DialogItem::new(b"2", DialogState::Early));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let read = DialogInfo::parse(EXAMPLE.as_bytes()).unwrap();
        let mut buffer = [0; 2048];
        let length = read.write(&mut buffer).unwrap();
        assert_eq!(length, read.encoded_len());
        assert_eq!(DialogInfo::parse(&buffer[..length]).unwrap(), read);
        assert_eq!(read.write(&mut [0; 9]).unwrap_err().needed, length);
        let odd = [DialogItem {
            call_id: Some(Text::plain(b"a\"<&>")),
            direction: Some(Direction::Recipient),
            ..DialogItem::new(b"1", DialogState::Proceeding)
        }];
        let info = DialogInfo::new(b"sip:a&b", 0, true, &odd);
        let length = info.write(&mut buffer).unwrap();
        assert_eq!(DialogInfo::parse(&buffer[..length]).unwrap(), info);
    }

    #[test]
    fn a_quote_in_an_attribute_in_single_quotes_is_written_as_a_reference() {
        let text = "<dialog-info version='1' state='full' entity='a\"b'/>";
        let info = DialogInfo::parse(text.as_bytes()).unwrap();
        let mut buffer = [0; 512];
        let length = info.write(&mut buffer).unwrap();
        assert_eq!(DialogInfo::parse(&buffer[..length]).unwrap(), info);
    }

    #[test]
    fn other_documents_are_refused() {
        for text in [
            "<presence/>",
            "<dialog-info/>",
            "<dialog-info version='x' state='full' entity='a'/>",
            "<dialog-info version='1' state='half' entity='a'/>",
            "<dialog-info version='1' state='full' entity='a'><dialog><state>early</state></dialog></dialog-info>",
            "<dialog-info version='1' state='full' entity='a'><dialog id='1'/></dialog-info>",
            "<dialog-info version='1' state='full' entity='a'><dialog id='1'><state>odd</state></dialog></dialog-info>",
        ] {
            let error = DialogInfo::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.what, Fault::Document, "{text}");
        }
        for end in 0..EXAMPLE.trim_end().len() {
            assert!(DialogInfo::parse(&EXAMPLE.as_bytes()[..end]).is_err(), "{end}");
        }
    }
}
