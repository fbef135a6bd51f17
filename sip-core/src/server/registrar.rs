//! The registrar: REGISTER requests and the bindings that they make (RFC 3261 section 10.3).

use core::time::Duration;

use super::line::Line;
use super::location::{Binding, Location, MAX_CALL_ID, MAX_CONTACT, MAX_INSTANCE, MAX_ROUTE};
use super::refusal::{Refusal, With};
use super::user::User;
use crate::header::{CSeq, Contact, Expires};
use crate::message::{Message, Name, StatusCode, Writer};
use crate::transport::Path;

/// The rules of a registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Registrar {
    /// The shortest time that a contact may ask for, in seconds; less is answered 423.
    pub min_expires_s: u32,
    /// The longest time that a contact is given, in seconds.
    pub max_expires_s: u32,
    /// The time that a contact is given that does not ask for one, in seconds.
    pub default_expires_s: u32,
    /// How many contacts a user may have.
    pub max_contacts: usize,
}

impl Default for Registrar {
    fn default() -> Self {
        Self { min_expires_s: 60, max_expires_s: 3600, default_expires_s: 3600, max_contacts: 8 }
    }
}

/// What came of a REGISTER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Registered<'d> {
    /// It only asked.
    Queried,
    /// Contacts were added or renewed.
    Bound {
        /// The URI of the first of them.
        contact: &'d [u8],
        /// For how long, in seconds.
        expires_s: u32,
    },
    /// Contacts were taken back.
    Removed,
}

/// What a REGISTER asks for one contact.
#[derive(Clone, Copy)]
struct Wish<'d> {
    uri: &'d [u8],
    instance: &'d [u8],
    expires_s: u32,
    q_per_mille: u16,
}

impl Registrar {
    /// Does what a REGISTER for `user` asks for, once its sender is known to be that user: all of it
    /// or nothing.
    ///
    /// # Errors
    /// 400 where a contact is malformed, or `*` does not stand alone with `Expires: 0`; 423 where a
    /// time is too short; 500 where a later request of the same Call-ID was here first; 503 where
    /// there is no room or the user has too many contacts; 513 where a contact is beyond what is
    /// kept.
    pub fn register<'d, L: Location>(
        &self,
        location: &mut L,
        now: Duration,
        path: Path,
        user: &User,
        request: &Message<'d>,
    ) -> Result<Registered<'d>, Refusal> {
        let call_id = request.row(Name::CallId).map_or(&b""[..], |row| row.value);
        let cseq = match request.typed::<CSeq<'_>>() {
            Some(Ok(cseq)) => cseq.number,
            _ => return Err(Refusal::bad("Malformed CSeq")),
        };
        if call_id.len() > MAX_CALL_ID {
            return Err(Refusal::new(StatusCode::MESSAGE_TOO_LARGE).because("Call-ID Too Long"));
        }
        // A malformed time counts as none given (RFC 3261 section 20.19 leaves 3600 then).
        let expires = match request.typed::<Expires>() {
            Some(Ok(expires)) => Some(expires.0),
            _ => None,
        };
        let mut contacts = request.all::<Contact<'d>>().peekable();
        match contacts.peek() {
            None => return Ok(Registered::Queried),
            Some(Ok(Contact::Wildcard)) => {
                if expires != Some(0) || contacts.count() > 1 {
                    return Err(Refusal::bad("Contact * Without Expires 0 or Not Alone"));
                }
                return self.remove_all(location, user, call_id, cseq);
            }
            Some(_) => {}
        }

        // Nothing is changed until all of it is known to be good.
        let mut added = 0;
        for contact in request.all::<Contact<'d>>() {
            let wish = self.wish(contact, expires)?;
            match in_order(location, user, &wish, call_id, cseq)? {
                Place::New if wish.expires_s > 0 => added += 1,
                _ => {}
            }
        }
        if location.count(user).saturating_add(added) > self.max_contacts {
            let full = crate::storage::Full { capacity: self.max_contacts };
            return Err(Refusal::from(full).because("Too Many Contacts"));
        }
        let mut route = Line::<MAX_ROUTE>::new();
        for row in request.rows(Name::Path) {
            let comma: &[u8] = if route.is_empty() { b"" } else { b", " };
            route.put(comma).put(row.value);
        }
        if route.as_bytes().is_empty() && request.row(Name::Path).is_some() {
            return Err(Refusal::new(StatusCode::MESSAGE_TOO_LARGE).because("Path Too Long"));
        }
        if request.all::<crate::header::Path<'_>>().any(|hop| hop.is_err()) {
            return Err(Refusal::bad("Malformed Path"));
        }
        let mut bound = None;
        for contact in request.all::<Contact<'d>>() {
            let wish = self.wish(contact, expires)?;
            if wish.expires_s == 0 {
                location.remove(user, wish.uri);
                continue;
            }
            let binding = Binding {
                user: *user,
                contact: wish.uri,
                route: route.as_bytes(),
                instance: wish.instance,
                call_id,
                cseq,
                q_per_mille: wish.q_per_mille,
                expires_at: now.saturating_add(Duration::from_secs(wish.expires_s.into())),
                path,
                connected: true,
            };
            location.put(&binding)?;
            bound =
                bound.or(Some(Registered::Bound { contact: wish.uri, expires_s: wish.expires_s }));
        }
        Ok(bound.unwrap_or(Registered::Removed))
    }

    /// Writes what a 200 to a REGISTER says: the user's contacts with the time that each has left,
    /// and `Expires` with the time of `registered`, which some clients look for there. Where `gruu` is
    /// the domain, contacts with an instance are given a public GRUU (RFC 5627 section 5.2).
    pub fn write_contacts<L: Location>(
        location: &L,
        now: Duration,
        user: &User,
        registered: &Registered<'_>,
        gruu: Option<&str>,
        to: &mut Writer<'_>,
    ) {
        location.each(user, &mut |binding| {
            let left = binding.expires_at.saturating_sub(now).as_millis().div_ceil(1000);
            let mut line = Line::<{ MAX_CONTACT + 2 * MAX_INSTANCE + 600 }>::new();
            line.put(b"<").put(binding.contact).put(b">");
            if binding.q_per_mille < 1000 {
                line.put(b";q=0.").put(&thousandths(binding.q_per_mille));
            }
            line.put(b";expires=").number(u64::try_from(left).unwrap_or(u64::MAX));
            if let Some(domain) = gruu.filter(|_| !binding.instance.is_empty()) {
                line.put(b";+sip.instance=\"<").put(binding.instance).put(b">\";pub-gruu=\"");
                line.put(user.uri(domain).as_bytes()).put(b";gr=").put(binding.instance).put(b"\"");
            }
            to.raw(Name::Contact, line.as_bytes());
            true
        });
        if let Registered::Bound { expires_s, .. } = registered {
            to.raw_number(Name::Expires, *expires_s);
        }
    }

    fn remove_all<'d, L: Location>(
        &self,
        location: &mut L,
        user: &User,
        call_id: &[u8],
        cseq: u32,
    ) -> Result<Registered<'d>, Refusal> {
        let mut late = false;
        location.each(user, &mut |binding| {
            late = binding.call_id == call_id && cseq <= binding.cseq;
            !late
        });
        if late {
            return Err(out_of_order());
        }
        loop {
            let mut contact = Line::<MAX_CONTACT>::new();
            let mut found = false;
            location.each(user, &mut |binding| {
                contact.put(binding.contact);
                found = true;
                false
            });
            if !found || !location.remove(user, contact.as_bytes()) {
                return Ok(Registered::Removed);
            }
        }
    }

    fn wish<'d>(
        &self,
        contact: Result<Contact<'d>, crate::error::ParseError>,
        expires: Option<u32>,
    ) -> Result<Wish<'d>, Refusal> {
        let contact = contact.map_err(|_| Refusal::bad("Malformed Contact"))?;
        let uri = contact.uri().ok_or(Refusal::bad("Contact * Not Alone"))?;
        let text = uri.as_bytes().unwrap_or_default();
        if !uri.is_sip() {
            return Err(Refusal::bad("Contact Is No SIP URI"));
        }
        if text.is_empty() || text.len() > MAX_CONTACT {
            return Err(Refusal::new(StatusCode::MESSAGE_TOO_LARGE).because("Contact Too Long"));
        }
        let own = contact.expires().and_then(Result::ok);
        let asked = own.or(expires).unwrap_or(self.default_expires_s);
        if asked > 0 && asked < self.min_expires_s {
            return Err(Refusal::new(StatusCode::INTERVAL_TOO_BRIEF)
                .with(With::MinExpires(self.min_expires_s)));
        }
        let q = contact.q_thousandths().and_then(Result::ok);
        let instance = contact.instance().unwrap_or_default();
        let instance = instance.strip_prefix(b"<").and_then(|rest| rest.strip_suffix(b">"));
        // What is no URN, or a long one, makes no GRUU; the contact is as good as any.
        let is_good = |name: &&[u8]| {
            name.len() <= MAX_INSTANCE
                && name.starts_with(b"urn:")
                && name.iter().all(|octet| octet.is_ascii_alphanumeric() || b":-._".contains(octet))
        };
        Ok(Wish {
            uri: text,
            instance: instance.filter(is_good).unwrap_or_default(),
            expires_s: asked.min(self.max_expires_s),
            q_per_mille: q.unwrap_or(1000),
        })
    }
}

enum Place {
    New,
    Renewed,
}

/// Whether a contact may be changed by this request (RFC 3261 section 10.3 step 7).
fn in_order<L: Location>(
    location: &L,
    user: &User,
    wish: &Wish<'_>,
    call_id: &[u8],
    cseq: u32,
) -> Result<Place, Refusal> {
    let mut place = Place::New;
    let mut late = false;
    location.at(wish.uri, &mut |binding| {
        if binding.user == *user {
            late = binding.call_id == call_id && cseq <= binding.cseq;
            place = Place::Renewed;
            return false;
        }
        true
    });
    if late { Err(out_of_order()) } else { Ok(place) }
}

fn out_of_order() -> Refusal {
    Refusal::new(StatusCode::SERVER_INTERNAL_ERROR).because("CSeq Out of Order")
}

fn thousandths(q_per_mille: u16) -> [u8; 3] {
    let digit = |divisor: u16| b'0' + u8::try_from(q_per_mille / divisor % 10).unwrap_or(0);
    [digit(100), digit(10), digit(1)]
}

#[cfg(test)]
mod tests {
    use super::super::location::{Bindings, Storage};
    use super::*;
    use crate::storage::Seeds;
    use core::net::SocketAddr;
    use std::format;
    use std::string::String;
    use std::vec::Vec;

    fn request(call_id: &str, cseq: u32, rows: &str) -> Vec<u8> {
        format!(
            "REGISTER sip:a.test SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:alice@a.test>;tag=1\r\nTo: <sip:alice@a.test>\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} REGISTER\r\n{rows}Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }

    struct Desk<'s> {
        registrar: Registrar,
        bindings: Bindings<'s>,
        now: Duration,
        alice: User,
    }

    impl<'s> Desk<'s> {
        fn new(storage: &'s mut Storage<4, 2048>) -> Self {
            Self {
                registrar: Registrar { max_contacts: 3, ..Registrar::default() },
                bindings: Bindings::lent(storage, &Seeds::new([1; 32]), 0),
                now: Duration::ZERO,
                alice: User::new(b"alice").unwrap(),
            }
        }

        fn ask(&mut self, call_id: &str, cseq: u32, rows: &str) -> Result<String, u16> {
            let octets = request(call_id, cseq, rows);
            let message = Message::parse(&octets).unwrap();
            let path = Path::udp(SocketAddr::from(([192, 0, 2, 1], 5060)));
            let done = self
                .registrar
                .register(&mut self.bindings, self.now, path, &self.alice, &message)
                .map_err(|refusal| refusal.code.get())?;
            let mut buffer = [0; 2048];
            let mut to = Writer::new(&mut buffer);
            Registrar::write_contacts(&self.bindings, self.now, &self.alice, &done, None, &mut to);
            Ok(String::from_utf8(to.as_bytes().to_vec()).unwrap())
        }
    }

    #[test]
    fn contacts_are_added_renewed_asked_for_and_taken_back() {
        let mut storage = Storage::new();
        let mut desk = Desk::new(&mut storage);
        let one = desk.ask("c", 1, "Contact: <sip:a@192.0.2.1>;q=0.25\r\nExpires: 600\r\n");
        assert_eq!(
            one.as_deref(),
            Ok("Contact: <sip:a@192.0.2.1>;q=0.250;expires=600\r\nExpires: 600\r\n")
        );
        desk.now = Duration::from_secs(100);
        let two = desk.ask("c", 2, "m: sip:a@192.0.2.2\r\n");
        assert_eq!(
            two.as_deref(),
            Ok("Contact: <sip:a@192.0.2.2>;expires=3600\r\n\
                Contact: <sip:a@192.0.2.1>;q=0.250;expires=500\r\nExpires: 3600\r\n")
        );
        assert!(desk.ask("d", 1, "").unwrap().contains("expires=500"));
        let gone = desk.ask("c", 3, "Contact: <sip:a@192.0.2.1>;expires=0\r\n");
        assert_eq!(gone.as_deref(), Ok("Contact: <sip:a@192.0.2.2>;expires=3600\r\n"));
        assert_eq!(desk.ask("c", 4, "Contact: *\r\nExpires: 0\r\n").as_deref(), Ok(""));
    }

    #[test]
    fn late_requests_of_the_same_call_change_nothing() {
        let mut storage = Storage::new();
        let mut desk = Desk::new(&mut storage);
        desk.ask("c", 7, "Contact: <sip:a@192.0.2.1>\r\n").unwrap();
        assert_eq!(desk.ask("c", 7, "Contact: <sip:a@192.0.2.1>\r\n"), Err(500));
        assert_eq!(desk.ask("c", 6, "Contact: *\r\nExpires: 0\r\n"), Err(500));
        // All of a request or nothing: the other contact is not added either.
        let both = "Contact: <sip:b@192.0.2.9>\r\nContact: <sip:a@192.0.2.1>\r\n";
        assert_eq!(desk.ask("c", 6, both), Err(500));
        assert_eq!(desk.bindings.len(), 1);
        desk.ask("other", 1, "Contact: <sip:a@192.0.2.1>\r\n").unwrap();
    }

    #[test]
    fn what_a_registrar_refuses() {
        let mut storage = Storage::new();
        let mut desk = Desk::new(&mut storage);
        for (rows, code) in [
            ("Contact: <sip:a@192.0.2.1>;expires=59\r\n", 423),
            ("Contact: <sip:a@192.0.2.1>\r\nExpires: 1\r\n", 423),
            ("Contact: *\r\n", 400),
            ("Contact: *\r\nExpires: 1\r\n", 400),
            ("Contact: *\r\nContact: <sip:a@192.0.2.1>\r\nExpires: 0\r\n", 400),
            ("Contact: <sip:a@192.0.2.1>\r\nContact: *\r\nExpires: 0\r\n", 400),
            ("Contact: <sip:a@192.0.2.1\r\n", 400),
            ("Contact: <tel:+431>\r\n", 400),
        ] {
            assert_eq!(desk.ask("c", 1, rows), Err(code), "{rows}");
        }
        let long = format!("Contact: <sip:{}@192.0.2.1>\r\n", "a".repeat(MAX_CONTACT));
        assert_eq!(desk.ask("c", 1, &long), Err(513));
        let many = "Contact: <sip:a@h1>, <sip:a@h2>, <sip:a@h3>, <sip:a@h4>\r\n";
        assert_eq!(desk.ask("c", 1, many), Err(503));
        assert_eq!(desk.bindings.len(), 0);
    }

    #[test]
    fn an_unreadable_time_counts_as_none() {
        let mut storage = Storage::new();
        let mut desk = Desk::new(&mut storage);
        let done = desk.ask("c", 1, "Contact: <sip:a@192.0.2.1>\r\nExpires: tomorrow\r\n").unwrap();
        assert!(done.contains("expires=3600"), "{done}");
        let long =
            desk.ask("c", 2, "Contact: <sip:a@192.0.2.1>\r\nExpires: 4294967295\r\n").unwrap();
        assert!(long.contains("expires=3600"), "{long}");
    }
}
