use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use handset_testkit::{Random, seeds};

use super::pdu::*;
use super::*;
use crate::error::Error;
use crate::mcs::UserId as McsUser;
use crate::per::{self, Octets};
use core::time::Duration;

const NOW: Duration = Duration::from_secs(5);

fn user(number: u16) -> McsUser {
    McsUser::new(number).unwrap()
}

/// Users on the same channels: what each has got of each file.
struct Net {
    sessions: Vec<Session<'static>>,
    got: Vec<BTreeMap<u16, Vec<u8>>>,
    ended: Vec<Vec<(u16, EndReason)>>,
    takes: Vec<bool>,
    accepted: Vec<TransferId>,
}

impl Net {
    fn new(takes: &[bool]) -> Self {
        let numbers = 1001..;
        let sessions: Vec<_> = numbers
            .zip(takes)
            .map(|(number, _)| Session::growing(Config::default(), user(number)))
            .collect();
        Self {
            got: vec![BTreeMap::new(); sessions.len()],
            ended: vec![Vec::new(); sessions.len()],
            takes: takes.to_vec(),
            accepted: Vec::new(),
            sessions,
        }
    }

    /// Carries a PDU to those whom it is for, and all that follows from it.
    fn carry(&mut self, from: usize, transmit: Transmit, octets: &[u8]) {
        let sender = self.sessions[from].user();
        for to in 0..self.sessions.len() {
            if matches!(transmit.channel, Channel::User(user) if user != self.sessions[to].user()) {
                continue;
            }
            match self.sessions[to].handle_data(NOW, sender, octets).unwrap() {
                Some(Event::Offered { id, header, .. }) => {
                    assert_eq!(header.filename.unwrap().iter().count(), 1);
                    if self.takes[to] {
                        self.sessions[to].accept(id).unwrap();
                    } else {
                        self.sessions[to].reject(id, RejectReason::FileNotRequired).unwrap();
                    }
                }
                Some(Event::Accepted { id, .. }) => self.accepted.push(id),
                Some(Event::Data { id, offset, octets, .. }) => {
                    let file = self.got[to].entry(id.handle).or_default();
                    assert_eq!(file.len() as u64, offset);
                    file.extend_from_slice(octets);
                }
                _ => {}
            }
        }
        for node in 0..self.sessions.len() {
            self.drain(node);
        }
    }

    fn drain(&mut self, node: usize) {
        let mut buffer = [0; Session::MAX_TRANSMIT_OCTETS];
        while let Some(transmit) = self.sessions[node].poll_transmit(NOW, &mut buffer) {
            self.carry(node, transmit, &buffer[..transmit.len]);
        }
        while let Some(event) = self.sessions[node].poll_event() {
            let Event::Ended { id, reason } = event else { panic!("{event:?}") };
            self.ended[node].push((id.handle, reason));
        }
    }

    fn offer(&mut self, from: usize, offer: &Offer<'_>) -> TransferId {
        let mut buffer = [0; 400];
        let (id, transmit) = self.sessions[from].offer(NOW, offer, &mut buffer).unwrap();
        self.carry(from, transmit, &buffer[..transmit.len]);
        id
    }

    fn send(&mut self, from: usize, id: TransferId, octets: &[u8], end: bool) -> Result<(), Error> {
        let mut buffer = vec![0; octets.len() + 100];
        let transmit = self.sessions[from].send(id, b"file", octets, end, &mut buffer)?;
        self.carry(from, transmit, &buffer[..transmit.len]);
        Ok(())
    }
}

fn offer(size: u64) -> Offer<'static> {
    Offer { name: b"file", size: Some(size), to: None, acknowledge: true, request: None }
}

#[test]
fn a_file_goes_to_all_who_want_it_and_to_nobody_else() {
    seeds(50, |seed| {
        let mut random = Random::new(seed);
        let mut net = Net::new(&[false, true, false, true]);
        let len = random.below(200_000) as usize;
        let file = random.octets(len);
        let id = net.offer(0, &offer(len as u64));
        assert_eq!(net.accepted, [id, id]);
        let transfer = net.sessions[0].transfer(id).unwrap();
        assert_eq!((transfer.accepted, transfer.rejected), (2, 1));
        let mut rest = &file[..];
        loop {
            let now = (random.below(70_000) as usize).min(rest.len()).min(MAX_DATA_OCTETS);
            let (part, behind) = rest.split_at(now);
            net.send(0, id, part, behind.is_empty()).unwrap();
            if behind.is_empty() {
                break;
            }
            rest = behind;
        }
        for node in [1, 3] {
            assert_eq!(net.got[node][&id.handle], file);
            assert_eq!(net.ended[node], [(id.handle, EndReason::Complete)]);
        }
        assert!(net.got[2].is_empty());
        assert_eq!(net.ended[2], [(id.handle, EndReason::Rejected)]);
        assert_eq!(net.ended[0], [(id.handle, EndReason::Complete)]);
        assert!(net.sessions.iter().all(|session| session.transfers().next().is_none()));
    });
}

#[test]
fn nothing_is_sent_before_somebody_wants_it_nor_more_than_was_said() {
    let mut net = Net::new(&[true, false]);
    let id = net.offer(0, &offer(3));
    assert_eq!(net.send(0, id, b"abc", true), Err(Error::WrongState));
    net.takes[1] = true;
    let id = net.offer(0, &offer(3));
    assert!(matches!(net.send(0, id, b"abcd", false), Err(Error::Value(_))));
    assert!(matches!(net.send(0, id, b"ab", true), Err(Error::Value(_))));
    assert_eq!(net.send(0, id, b"abc", true), Ok(()));
    assert_eq!(net.send(0, id, b"", true), Err(Error::Unknown));
    let unasked = Offer { acknowledge: false, ..offer(2) };
    let id = net.offer(0, &unasked);
    assert_eq!(net.send(0, id, b"ab", true), Ok(()));
    assert_eq!(net.got[1][&id.handle], b"ab");
}

#[test]
fn either_side_may_give_up() {
    let mut net = Net::new(&[true, true, true]);
    let id = net.offer(0, &offer(10));
    net.send(0, id, b"abc", false).unwrap();
    // One of two receivers goes: the other still gets it.
    net.sessions[1].abort(id, AbortReason::Unspecified).unwrap();
    net.drain(1);
    assert_eq!(net.ended[1], [(id.handle, EndReason::Aborted)]);
    net.send(0, id, b"def", false).unwrap();
    assert_eq!(
        (&net.got[1][&id.handle][..], &net.got[2][&id.handle][..]),
        (&b"abc"[..], &b"abcdef"[..])
    );
    net.sessions[0].abort(id, AbortReason::BandwidthRequired).unwrap();
    net.drain(0);
    assert_eq!(net.ended[2], [(id.handle, EndReason::Aborted)]);
    assert_eq!(net.ended[0], [(id.handle, EndReason::Aborted)]);
    // What goes to one alone ends with that one.
    let id = net.offer(0, &Offer { to: Some(user(1003)), ..offer(10) });
    net.sessions[2].abort(id, AbortReason::Unspecified).unwrap();
    net.drain(2);
    assert_eq!(net.ended[0].last(), Some(&(id.handle, EndReason::Aborted)));
}

#[test]
fn a_file_of_another_size_than_was_said_is_given_up() {
    let mut net = Net::new(&[true, true]);
    let id = net.offer(0, &offer(3));
    let mut buffer = [0; 200];
    let data = |octets, end| {
        MbftPdu::FileData(FileDataPdu {
            file_handle: Handle::new(i64::from(id.handle)).unwrap(),
            eof_flag: end,
            abort_flag: false,
            data: per::SizedOctets::new(octets).unwrap(),
            crc_check: None,
        })
    };
    net.send(0, id, b"ab", false).unwrap();
    let len = per::write(&data(b"cd", false), &mut buffer).unwrap();
    assert_eq!(net.sessions[1].handle_data(NOW, user(1001), &buffer[..len]), Ok(None));
    net.drain(1);
    assert_eq!(net.ended[1], [(id.handle, EndReason::WrongSize)]);
}

#[test]
fn an_offer_that_nobody_answers_ends_in_time_and_one_whose_sender_leaves_at_once() {
    let mut net = Net::new(&[true, true]);
    let mut buffer = [0; 200];
    let (id, transmit) = net.sessions[0].offer(NOW, &offer(1), &mut buffer).unwrap();
    let due = NOW + Duration::from_secs(120);
    assert_eq!(net.sessions[0].poll_timeout(), Some(due));
    net.sessions[0].handle_timeout(due - Duration::from_millis(1));
    assert!(net.sessions[0].poll_event().is_none());
    net.sessions[0].handle_timeout(due);
    let reason = EndReason::TimedOut;
    assert_eq!(net.sessions[0].poll_event(), Some(Event::Ended { id, reason }));
    assert_eq!(net.sessions[0].poll_timeout(), None);
    net.sessions[1].handle_data(NOW, user(1001), &buffer[..transmit.len]).unwrap();
    net.sessions[1].handle_left(user(1001));
    let reason = EndReason::Left;
    assert_eq!(net.sessions[1].poll_event(), Some(Event::Ended { id, reason }));
}

#[test]
fn files_are_asked_for_and_listed() {
    let mut net = Net::new(&[true, true]);
    let mut buffer = [0; 500];
    let (request, transmit) = net.sessions[1].request(user(1001), b"notes", &mut buffer).unwrap();
    assert_eq!(transmit.channel, Channel::User(user(1001)));
    let asked = net.sessions[0].handle_data(NOW, user(1002), &buffer[..transmit.len]).unwrap();
    let Some(Event::Requested { by, handle, header }) = asked else { panic!("{asked:?}") };
    assert_eq!((by, handle), (user(1002), request));
    assert!(header.filename.unwrap().iter().eq([Octets::new(b"notes")]));
    let mut answer = [0; 100];
    let denied = net.sessions[0].deny(by, handle, DenyReason::FileNotPresent, &mut answer).unwrap();
    let heard = net.sessions[1].handle_data(NOW, user(1001), &answer[..denied.len]).unwrap();
    let reason = DenyReason::FileNotPresent;
    assert_eq!(heard, Some(Event::Denied { by: user(1001), handle: request, reason }));

    let mut question = [0; 20];
    let ask = net.sessions[1].request_directory(user(1001), None, &mut question).unwrap();
    let asked = net.sessions[0].handle_data(NOW, user(1002), &question[..ask.len]).unwrap();
    assert_eq!(asked, Some(Event::DirectoryRequested { by: user(1002), pathname: None }));
    let (entry, attributes) = (net.offer(0, &offer(7)), header);
    let entries = [DirectoryEntry { attributes, subdirectory_flag: false }];
    let mut listing = [0; 200];
    let session = &net.sessions[0];
    let list = session.list(by, DirectoryResult::FullListing, &entries, &mut listing).unwrap();
    let heard = net.sessions[1].handle_data(NOW, user(1001), &listing[..list.len]).unwrap();
    let Some(Event::Directory { response, .. }) = heard else { panic!("{heard:?}") };
    assert!(response.directory_list.iter().eq(entries));
    assert_ne!(entry.handle, 0);
}

#[test]
fn lent_slots_hold_as_many_as_there_are() {
    let mut slots = [Slot::default(); 2];
    let mut session = Session::new(Config::default(), user(1001), &mut slots);
    let mut buffer = [0; 200];
    let ids = [0; 2].map(|_| session.offer(NOW, &offer(1), &mut buffer).unwrap().0);
    assert!(matches!(session.offer(NOW, &offer(1), &mut buffer), Err(Error::Full(_))));
    session.abort(ids[0], AbortReason::Unspecified).unwrap();
    assert!(session.poll_event().is_none(), "it is said to the others first");
    assert_eq!(session.poll_transmit(NOW, &mut [0; 1]), None);
    assert!(matches!(session.poll_event(), Some(Event::BufferTooSmall { needed: 2.. })));
    assert!(session.poll_transmit(NOW, &mut buffer).is_some());
    assert!(session.poll_event().is_some());
    assert!(session.offer(NOW, &offer(1), &mut buffer).is_ok());
}
