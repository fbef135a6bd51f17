//! Presence from one format into another, so that plain SIP clients and clients of the dialect see each
//! other.
//!
//! | availability, activity | XPIDF | PIDF with RPID |
//! |---|---|---|
//! | below 100 | `closed` | `closed` |
//! | 100, away | `open`, `away` | `open`, `away` |
//! | 150, at lunch | `outtolunch` | `meal` |
//! | 200, idle | `idle` | `away` |
//! | 300, back soon | `berightback` | `away`, with a note |
//! | 400, active | `online` | none |
//! | 500, in a session | `onthephone` | `on-the-phone` |
//! | 600, busy | `busy` | `busy` |
//!
//! What PIDF cannot say is lost: `idle` comes back as `away`.

use super::out::without_scheme;
use super::presentity::{Activity, Availability, Device, Level, Presentity};
use super::xpidf::{Status, SubStatus, Xpidf};
use crate::presence::xml::Text;
use crate::presence::{self, Basic, Pidf, Tuple};

/// The note that stands for back soon.
const BACK_SOON: &[u8] = b"Be right back";

/// Somebody's presence, in the words of the dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct State<'d> {
    /// Whether the user can be called.
    pub availability: Availability,
    /// What the user is doing.
    pub activity: Activity,
    /// What the user says.
    pub note: Option<Text<'d>>,
}

impl<'d> State<'d> {
    /// Somebody who cannot be reached.
    pub const OFFLINE: Self =
        Self { availability: Availability::Offline, activity: Activity::Unknown, note: None };

    /// What a document of the dialect says.
    #[must_use]
    pub fn of(presentity: &Presentity<'d>) -> Self {
        let notes = presentity.devices().find_map(|device| device.activity.note);
        Self {
            availability: Availability::of(presentity.availability.aggregate),
            activity: Activity::of(presentity.activity.aggregate),
            note: presentity.activity.note.or(notes),
        }
    }

    /// What a document between clients says.
    #[must_use]
    pub fn of_xpidf(xpidf: &Xpidf<'d>) -> Self {
        if xpidf.status == Status::Closed {
            return Self::OFFLINE;
        }
        let activity = match xpidf.substatus {
            SubStatus::Unknown | SubStatus::Online => Activity::Active,
            SubStatus::Away => Activity::Away,
            SubStatus::Idle => Activity::Idle,
            SubStatus::Busy => Activity::Busy,
            SubStatus::BeRightBack => Activity::BeRightBack,
            SubStatus::OnThePhone => Activity::InSession,
            SubStatus::OutToLunch => Activity::OutToLunch,
        };
        Self { availability: near(activity), activity, note: None }
    }

    /// What a PIDF says.
    #[must_use]
    pub fn of_pidf(pidf: &Pidf<'d>) -> Self {
        let open = || pidf.tuples().filter(|tuple| tuple.basic == Some(Basic::Open));
        let note = pidf.note.or(open().find_map(|tuple| tuple.note));
        if pidf.basic() != Some(Basic::Open) {
            return Self { note, ..Self::OFFLINE };
        }
        let mut activity = Activity::Active;
        for one in pidf.activities() {
            use presence::Activity as Rpid;
            let found = match one {
                Rpid::OnThePhone => Activity::InSession,
                Rpid::Busy
                | Rpid::Meeting
                | Rpid::Presentation
                | Rpid::Performance
                | Rpid::Steering
                | Rpid::Worship
                | Rpid::Appointment => Activity::Busy,
                Rpid::Lunch | Rpid::Meal | Rpid::Breakfast | Rpid::Dinner => Activity::OutToLunch,
                Rpid::Away
                | Rpid::InTransit
                | Rpid::Travel
                | Rpid::Holiday
                | Rpid::Vacation
                | Rpid::Shopping
                | Rpid::Sleeping
                | Rpid::PermanentAbsence => Activity::Away,
                _ => continue,
            };
            activity = found;
            break;
        }
        let back_soon = note.is_some_and(|note| note == *BACK_SOON);
        if activity == Activity::Away && back_soon {
            activity = Activity::BeRightBack;
        }
        let note = note.filter(|_| !back_soon);
        Self { availability: near(activity), activity, note }
    }

    /// Whether the user can be called.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.availability > Availability::Offline
    }

    /// The document of the dialect for a user; `uri` may begin with `sip:`.
    #[must_use]
    pub fn presentity(&self, uri: Text<'d>) -> Presentity<'d> {
        let mut presentity = Presentity::new(without_scheme(&uri));
        presentity.availability = Level::new(self.availability.aggregate());
        presentity.activity = Level { note: self.note, ..Level::new(self.activity.aggregate()) };
        presentity
    }

    /// The document between clients for a user, whose `uri` begins with `sip:`.
    #[must_use]
    pub fn xpidf(&self, uri: Text<'d>) -> Xpidf<'d> {
        let status = if self.is_open() { Status::Open } else { Status::Closed };
        let substatus = match self.activity {
            _ if !self.is_open() => SubStatus::Unknown,
            Activity::Unknown => SubStatus::Unknown,
            Activity::Away => SubStatus::Away,
            Activity::OutToLunch => SubStatus::OutToLunch,
            Activity::Idle => SubStatus::Idle,
            Activity::BeRightBack => SubStatus::BeRightBack,
            Activity::Active => SubStatus::Online,
            Activity::InSession => SubStatus::OnThePhone,
            Activity::Busy => SubStatus::Busy,
        };
        Xpidf::new(uri, status, substatus)
    }

    /// The PIDF for a user, whose `entity` begins with `sip:`. `id` tells apart the user's devices.
    #[must_use]
    pub fn pidf(&self, entity: &'d [u8], id: &'d [u8]) -> Pidf<'d> {
        let mut pidf = Pidf::new(entity);
        let basic = if self.is_open() { Basic::Open } else { Basic::Closed };
        pidf.add_tuple(Tuple::new(id, basic));
        pidf.note = self.note;
        let activity = match self.activity {
            _ if !self.is_open() => None,
            Activity::Away | Activity::Idle => Some(presence::Activity::Away),
            Activity::BeRightBack => {
                pidf.note = pidf.note.or(Some(Text::plain(BACK_SOON)));
                Some(presence::Activity::Away)
            }
            Activity::OutToLunch => Some(presence::Activity::Meal),
            Activity::InSession => Some(presence::Activity::OnThePhone),
            Activity::Busy => Some(presence::Activity::Busy),
            Activity::Active | Activity::Unknown => None,
        };
        if let Some(activity) = activity {
            pidf.add_activity(activity);
        }
        pidf
    }
}

/// The document of the dialect for a PIDF, with a device for each tuple whose id can be an `epid`.
#[must_use]
pub fn presentity_of<'d>(pidf: &Pidf<'d>) -> Presentity<'d> {
    let state = State::of_pidf(pidf);
    let mut presentity = state.presentity(pidf.entity);
    for tuple in pidf.tuples().filter(|tuple| tuple.basic == Some(Basic::Open)) {
        let id = tuple.id.raw();
        let is_epid = (1..=16).contains(&id.len()) && id.iter().all(u8::is_ascii_alphanumeric);
        presentity.add_device(Device {
            epid: Some(tuple.id).filter(|_| is_epid),
            age_s: 0,
            availability: presentity.availability,
            activity: presentity.activity,
            name: None,
        });
    }
    presentity
}

/// How available somebody is who is doing this.
const fn near(activity: Activity) -> Availability {
    match activity {
        Activity::Away | Activity::Idle | Activity::OutToLunch | Activity::BeRightBack => {
            Availability::Connected
        }
        _ => Availability::Near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVITIES: [Activity; 7] = [
        Activity::Away,
        Activity::OutToLunch,
        Activity::Idle,
        Activity::BeRightBack,
        Activity::Active,
        Activity::InSession,
        Activity::Busy,
    ];

    #[test]
    fn what_a_client_of_the_dialect_says_a_plain_one_reads_and_the_other_way_round() {
        for activity in ACTIVITIES {
            let state = State { availability: near(activity), activity, note: None };
            let presentity = state.presentity(Text::plain(b"sip:a@x"));
            assert_eq!(presentity.uri, *b"a@x".as_slice());
            assert_eq!(State::of(&presentity), state);

            let pidf = state.pidf(b"sip:a@x", b"e1");
            let mut buffer = [0; 1024];
            let len = pidf.write(&mut buffer).unwrap();
            let pidf = Pidf::parse(&buffer[..len]).unwrap();
            let back = State::of_pidf(&pidf);
            let expected = if activity == Activity::Idle { Activity::Away } else { activity };
            assert_eq!(back, State { activity: expected, ..state });
            let whole = presentity_of(&pidf);
            assert_eq!(State::of(&whole), back);
            assert_eq!(whole.devices().next().unwrap().epid, Some(Text::plain(b"e1")));

            let xpidf = state.xpidf(Text::plain(b"sip:a@x"));
            assert_eq!(State::of_xpidf(&xpidf), state);
        }
    }

    #[test]
    fn who_is_offline_is_so_in_all_formats() {
        let state = State::OFFLINE;
        let pidf = state.pidf(b"sip:a@x", b"e1");
        assert_eq!(pidf.basic(), Some(Basic::Closed));
        assert_eq!(State::of_pidf(&pidf), state);
        assert_eq!(State::of(&state.presentity(Text::plain(b"a@x"))), state);
        assert_eq!(State::of_xpidf(&state.xpidf(Text::plain(b"sip:a@x"))), state);
        assert_eq!(State::of_pidf(&Pidf::new(b"sip:a@x")), state);
    }

    #[test]
    fn a_note_goes_along() {
        let state = State {
            availability: Availability::Near,
            activity: Activity::Busy,
            note: Some(Text::plain(b"in <court>")),
        };
        let pidf = state.pidf(b"sip:a@x", b"e1");
        assert_eq!(State::of_pidf(&pidf), state);
        assert_eq!(State::of(&state.presentity(Text::plain(b"a@x"))), state);
    }
}
