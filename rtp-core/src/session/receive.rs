//! The half of a session that receives.

use core::hash::{Hash, Hasher};
use core::net::SocketAddr;
use core::time::Duration;

use super::member::{Member, RemoteView, SenderReportSeen, State};
use super::source::{Reception, Verdict};
use super::timing;
use super::{Component, Event, Leaving, Path, Refused, Session, new_own};
use crate::demux::{Protocol, protocol};
use crate::packet::Packet;
use crate::rtcp::{self, Compound, ReportBlock, ReportBlocks, SenderInfo};
use crate::storage::{Index, Queue};
use crate::{Error, Fault, Full, ParseError, Ssrc, ntp};

/// How long a source that has gone is remembered, so that packets under way do not bring it back
/// (RFC 3550 section 6.2.1).
const AFTERLIFE: Duration = Duration::from_secs(2);
/// How long a source that has shown nothing convincing is remembered.
const PROBATION: Duration = Duration::from_secs(5);
/// A source may come from another address when it was silent for this long at its old one.
const MOVED: Duration = Duration::from_secs(2);
/// After this much silence a source may be succeeded by another from the same address, where there
/// is no room for both.
const SUCCEEDED: Duration = Duration::from_millis(200);
/// Up to this much room is searched for it.
const SMALL_ROOM: usize = 8;
/// An address that has used our SSRC is forgotten after this long (RFC 3550 section 8.2: ten
/// intervals of reports).
const CONFLICT: Duration = Duration::from_secs(50);
/// Our SSRC does not change more often than this, whoever claims it.
const SSRC_HOLD: Duration = Duration::from_secs(2);

impl Session<'_> {
    /// Takes a datagram that came on one of the session's two paths.
    ///
    /// # Errors
    /// Says why the datagram was refused; the session goes on as if it had not come.
    #[inline]
    pub fn handle_datagram<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        self.begin(now);
        let result = match (self.config.mux, path.component) {
            (true, _) => match protocol(datagram) {
                Protocol::Rtp => self.rtp(now, path, datagram),
                Protocol::Rtcp => self.rtcp(now, path, datagram),
                other => Err(Error::NotRtp(other)),
            },
            (false, Component::Rtp) => self.rtp(now, path, datagram),
            (false, Component::Rtcp) => self.rtcp(now, path, datagram),
        };
        if result.is_err() {
            self.totals.refused = self.totals.refused.saturating_add(1);
        }
        result.map(Some)
    }

    fn rtp<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Event<'d>, Refused> {
        // A report that has come to the wrong port would read as RTP (RFC 3550 appendix A.1).
        if let [_, rtcp::packet_type::SR | rtcp::packet_type::RR, ..] = datagram {
            return Err(ParseError { what: Fault::PacketType, at: 1 }.into());
        }
        let packet = Packet::parse(datagram)?;
        let from = self.digest(path.remote);
        if packet.ssrc == self.own.ssrc {
            self.own_ssrc_from(now, from)?;
        }
        let clock = self.config.clock_of(packet.payload_type);
        let min_sequential = self.config.min_sequential;
        let index = match self.talker(now, packet.ssrc) {
            Err(Error::Full(_)) if self.make_way(now, from, packet.ssrc) => {
                self.talker(now, packet.ssrc)?
            }
            found => found?,
        };
        let member = self.members.get_mut(index).ok_or(Error::Loop)?;
        if member.state == State::Gone {
            return Err(Error::AfterBye { ssrc: packet.ssrc });
        }
        if member.rtp_from != from {
            let silent = member.rtp_heard.is_none_or(|heard| now.saturating_sub(heard) >= MOVED);
            if member.rtp_from != 0 && !silent {
                return Err(Error::Conflict { ssrc: packet.ssrc });
            }
            member.rtp_from = from;
        }
        member.heard = now;
        let reception = member
            .reception
            .get_or_insert_with(|| Reception::new(packet.sequence_number, min_sequential));
        let Verdict::Valid(sequence) = reception.update(packet.sequence_number, min_sequential)
        else {
            return Err(Error::Sequence { ssrc: packet.ssrc });
        };
        member.rtp_heard = Some(now);
        reception.arrived(now, packet.timestamp, packet.payload_type, clock);
        reception.octets = reception.octets.saturating_add(packet.payload.len() as u64);
        let (valid, sender) = (member.state == State::Valid, member.sender);
        if !valid {
            self.make_valid(now, index);
        }
        if !sender {
            self.make_sender(now, index);
        }
        self.members.enqueue(Queue::Report, index);
        self.totals.packets_received = self.totals.packets_received.saturating_add(1);
        for contributor in packet.csrcs.iter() {
            self.contributor(now, contributor);
        }
        Ok(Event::Packet { sequence, packet })
    }

    fn rtcp<'d>(
        &mut self,
        now: Duration,
        path: Path,
        datagram: &'d [u8],
    ) -> Result<Event<'d>, Refused> {
        let compound = Compound::parse(datagram)?;
        if !self.config.lone_packets {
            compound.check()?;
        }
        let from = self.digest(path.remote);
        self.average.add(datagram.len().saturating_add(self.config.overhead()));
        self.totals.rtcp_received = self.totals.rtcp_received.saturating_add(1);
        // Packets that are broken inside are skipped: the rest is still good, and the host sees
        // the fault in the event. What is refused of one participant is no reason to leave out
        // what is said of another.
        let mut refused = None;
        for packet in compound.packets().flatten() {
            let result = match packet {
                rtcp::Packet::SenderReport(report) => {
                    self.report(now, from, report.ssrc, Some(report.info), report.blocks)
                }
                rtcp::Packet::ReceiverReport(report) => {
                    self.report(now, from, report.ssrc, None, report.blocks)
                }
                rtcp::Packet::SourceDescription(description) => description
                    .chunks
                    .iter()
                    .try_for_each(|chunk| self.participant(now, from, chunk.ssrc).map(drop)),
                rtcp::Packet::Goodbye(goodbye) => {
                    for ssrc in goodbye.sources.iter() {
                        self.goodbye(now, from, ssrc);
                    }
                    Ok(())
                }
                _ => Ok(()),
            };
            refused = refused.or(result.err());
        }
        if let Some(error) = refused {
            return Err(error);
        }
        Ok(Event::Rtcp { compound })
    }

    fn report(
        &mut self,
        now: Duration,
        from: u64,
        ssrc: Ssrc,
        info: Option<SenderInfo>,
        blocks: ReportBlocks<'_>,
    ) -> Result<(), Refused> {
        let Some(index) = self.participant(now, from, ssrc)? else { return Ok(()) };
        if let Some(info) = info
            && let Some(member) = self.members.get_mut(index)
        {
            member.report = Some(SenderReportSeen { info, at: now });
            member.news.report = true;
            self.members.enqueue(Queue::Event, index);
        }
        for block in blocks.iter() {
            if block.ssrc == self.own.ssrc {
                let view = self.view_of_us(now, block);
                if let Some(member) = self.members.get_mut(index) {
                    member.about_us = Some(view);
                }
            }
        }
        Ok(())
    }

    /// What a report block says of our packets, with the round trip (RFC 3550 section 6.4.1).
    fn view_of_us(&self, now: Duration, block: ReportBlock) -> RemoteView {
        let round_trip = (block.last_sr != 0).then(|| {
            let there_and_back = self.ntp(now).middle().wrapping_sub(block.last_sr);
            // A clock that is a little off may make less than nothing of a short way.
            there_and_back.saturating_sub(block.delay_since_last_sr)
        });
        RemoteView {
            fraction_lost: block.fraction_lost,
            lost: block.cumulative_lost,
            highest_sequence: block.highest_sequence,
            jitter: block.jitter,
            round_trip: round_trip.map(ntp::from_short),
            at: now,
        }
    }

    /// The member that RTCP came from, if it is kept; RTCP makes it valid (RFC 3550 section 6.2.1).
    fn participant(
        &mut self,
        now: Duration,
        from: u64,
        ssrc: Ssrc,
    ) -> Result<Option<Index>, Refused> {
        if ssrc == self.own.ssrc {
            self.own_ssrc_from(now, from)?;
        }
        let Some(index) = self.member(now, ssrc)? else { return Ok(None) };
        let member = self.members.get_mut(index).ok_or(Error::Loop)?;
        if member.state == State::Gone {
            return Err(Error::AfterBye { ssrc });
        }
        if member.rtcp_from != from {
            if member.rtcp_from != 0 && now.saturating_sub(member.heard) < MOVED {
                return Err(Error::Conflict { ssrc });
            }
            member.rtcp_from = from;
        }
        member.heard = now;
        if member.state == State::Unproven {
            self.make_valid(now, index);
        }
        Ok(Some(index))
    }

    /// A mixer's sources are members as well (RFC 3550 section 6.3.3), as far as there is room.
    fn contributor(&mut self, now: Duration, ssrc: Ssrc) {
        if ssrc == self.own.ssrc {
            return;
        }
        if let Ok(Some(index)) = self.member(now, ssrc)
            && let Some(member) = self.members.get_mut(index)
        {
            member.heard = now;
            if member.state == State::Unproven {
                self.make_valid(now, index);
            }
        }
    }

    fn goodbye(&mut self, now: Duration, from: u64, ssrc: Ssrc) {
        if self.leaving == Leaving::BackingOff {
            // RFC 3550 section 6.3.7: while we wait, the goodbyes of others are counted.
            self.member_count = self.member_count.saturating_add(1);
            return;
        }
        let Some(index) = self.find(ssrc) else { return };
        let Some(member) = self.members.get_mut(index) else { return };
        // Nobody else says goodbye for a member.
        let theirs = [member.rtp_from, member.rtcp_from].contains(&from)
            || (member.rtcp_from == 0 && member.rtp_from != 0);
        if member.state == State::Gone || !theirs {
            return;
        }
        member.news.goodbye = true;
        self.members.enqueue(Queue::Event, index);
        self.make_gone(now, index);
    }

    /// Finds a member, or makes one that has to prove itself; nothing where it is not part of the
    /// sample that is kept.
    fn member(&mut self, now: Duration, ssrc: Ssrc) -> Result<Option<Index>, Refused> {
        let digest = self.member_digest(ssrc);
        let known = self.members.find(digest, |member| member.ssrc == ssrc);
        if known.is_some() {
            return Ok(known);
        }
        loop {
            if !self.sample.holds(digest) {
                return Ok(None);
            }
            match self.insert(now, digest, ssrc) {
                Err(_) if self.narrow() => {}
                inserted => return self.or_turn_away(inserted).map(Some),
            }
        }
    }

    /// Finds a member that has sent RTP, or makes one that has to prove itself.
    #[inline]
    fn talker(&mut self, now: Duration, ssrc: Ssrc) -> Result<Index, Refused> {
        let digest = self.member_digest(ssrc);
        if let Some(index) = self.members.find(digest, |member| member.ssrc == ssrc) {
            return Ok(index);
        }
        loop {
            match self.insert(now, digest, ssrc) {
                Err(_) if self.narrow() => {}
                inserted => return self.or_turn_away(inserted),
            }
        }
    }

    /// Makes room for a source whose address another has sent from until a moment ago, and says
    /// whether there was one: a peer that goes on under another SSRC without a goodbye, as after a
    /// re-INVITE.
    fn make_way(&mut self, now: Duration, from: u64, ssrc: Ssrc) -> bool {
        if self.members.capacity() > SMALL_ROOM {
            return false;
        }
        let before = self.members.iter().find(|(_, member)| {
            let silent = member.rtp_heard.is_some_and(|at| now.saturating_sub(at) >= SUCCEEDED);
            member.rtp_from == from && silent && member.state == State::Valid
        });
        let Some((index, member)) = before else { return false };
        self.succession = Some((member.ssrc, ssrc));
        self.make_gone(now, index);
        self.members.remove(index);
        true
    }

    fn insert(&mut self, now: Duration, digest: u32, ssrc: Ssrc) -> Result<Index, Full> {
        let index = self.members.insert(digest, Member::new(ssrc, now))?;
        self.members.set_deadline(index, Some(now.saturating_add(PROBATION)));
        Ok(index)
    }

    fn or_turn_away(&mut self, inserted: Result<Index, Full>) -> Result<Index, Refused> {
        if inserted.is_err() {
            self.totals.turned_away = self.totals.turned_away.saturating_add(1);
        }
        Ok(inserted?)
    }

    fn make_valid(&mut self, now: Duration, index: Index) {
        if let Some(member) = self.members.get_mut(index) {
            member.state = State::Valid;
            member.news.joined = true;
            self.members.enqueue(Queue::Event, index);
            let weight = self.members.get(index).map_or(0, |member| self.weight(member));
            self.count_in(weight);
            self.set_member_deadline(now, index);
        }
    }

    fn make_sender(&mut self, now: Duration, index: Index) {
        let weight = self.members.get(index).map_or(0, |member| self.weight(member));
        if let Some(member) = self.members.get_mut(index) {
            member.sender = true;
            // From now on it stands for nobody else.
            self.count_out(weight);
            self.count_in(1);
            if self.leaving != Leaving::BackingOff {
                self.sender_count = self.sender_count.saturating_add(1);
            }
            self.set_member_deadline(now, index);
        }
    }

    /// Takes a member out of all counts, with reverse reconsideration (RFC 3550 section 6.3.4);
    /// it stays until the host has been told and its last packets have come.
    fn make_gone(&mut self, now: Duration, index: Index) {
        let weight = self.members.get(index).map_or(0, |member| self.weight(member));
        let Some(member) = self.members.get_mut(index) else { return };
        let (was_valid, was_sender) = (member.state == State::Valid, member.sender);
        member.state = State::Gone;
        member.sender = false;
        self.members.dequeue(Queue::Report, index);
        self.members.set_deadline(index, Some(now.saturating_add(AFTERLIFE)));
        if self.leaving == Leaving::BackingOff {
            return;
        }
        if was_sender {
            self.sender_count = self.sender_count.saturating_sub(1);
        }
        if was_valid {
            self.count_out(weight);
            self.reconsider_backwards(now);
        }
    }

    /// Brings the next report nearer as members become fewer (RFC 3550 section 6.3.4).
    pub(super) fn reconsider_backwards(&mut self, now: Duration) {
        let (members, before) = (self.member_count, self.previous_members);
        if members >= before {
            return;
        }
        let ahead = timing::scale(self.next.saturating_sub(now), members, before);
        let behind = timing::scale(now.saturating_sub(self.previous), members, before);
        self.next = now.saturating_add(ahead);
        self.previous = now.saturating_sub(behind);
        self.previous_members = members;
    }

    /// The deadline of a member has come: it may have been heard since it was set.
    pub(super) fn member_due(&mut self, now: Duration, index: Index) {
        let interval = self.timeout_interval();
        let Some(member) = self.members.get_mut(index) else { return };
        match member.state {
            State::Unproven if now.saturating_sub(member.heard) >= PROBATION => {
                self.members.remove(index);
            }
            State::Unproven => {
                let at = member.heard.saturating_add(PROBATION);
                self.members.set_deadline(index, Some(at));
            }
            State::Gone if member.news == super::member::News::default() => {
                self.members.remove(index);
            }
            // The host has not been told yet: it goes when it has been.
            State::Gone => {}
            State::Valid => {
                let timeout = member_timeout(&self.config, interval);
                let heard_rtp = member.rtp_heard.unwrap_or_default();
                if now.saturating_sub(member.heard) >= timeout {
                    member.news.timeout = true;
                    self.members.enqueue(Queue::Event, index);
                    self.make_gone(now, index);
                    return;
                }
                if member.sender && now.saturating_sub(heard_rtp) >= interval.saturating_mul(2) {
                    member.sender = false;
                    if self.leaving != Leaving::BackingOff {
                        self.sender_count = self.sender_count.saturating_sub(1);
                    }
                    let weight = self.members.get(index).map_or(0, |member| self.weight(member));
                    self.count_out(1);
                    self.count_in(weight);
                    if weight == 0 {
                        // It only listens now, and the sample has no place for it.
                        self.members.remove(index);
                        return;
                    }
                }
                self.set_member_deadline(now, index);
            }
        }
    }

    fn set_member_deadline(&mut self, now: Duration, index: Index) {
        let interval = self.timeout_interval();
        let Some(member) = self.members.get(index) else { return };
        let silent = member.heard.saturating_add(member_timeout(&self.config, interval));
        let deadline = match member.rtp_heard {
            Some(heard) if member.sender => {
                silent.min(heard.saturating_add(interval.saturating_mul(2)))
            }
            _ => silent,
        };
        // A deadline that has passed already would be asked for again and again.
        let soonest = now.saturating_add(Duration::from_millis(1));
        self.members.set_deadline(index, Some(deadline.max(soonest)));
    }

    /// Tells the next thing that is new of a member.
    pub(super) fn member_news(&mut self, index: Index) -> Option<Event<'static>> {
        let member = self.members.get_mut(index)?;
        let ssrc = member.ssrc;
        let news = &mut member.news;
        let event = if core::mem::take(&mut news.joined) {
            debug!("{} has joined", ssrc);
            Some(Event::Joined { ssrc })
        } else if core::mem::take(&mut news.report) {
            member.report.map(|report| Event::SenderReport { ssrc, info: report.info })
        } else if core::mem::take(&mut news.goodbye) {
            debug!("{} has left", ssrc);
            Some(Event::Goodbye { ssrc })
        } else if core::mem::take(&mut news.timeout) {
            debug!("{} was silent for too long", ssrc);
            Some(Event::Timeout { ssrc })
        } else {
            None
        };
        if member.news == super::member::News::default() {
            self.members.dequeue(Queue::Event, index);
            let gone = self.members.get(index).is_some_and(|member| member.state == State::Gone);
            if gone && self.members.deadline(index).is_none() {
                self.members.remove(index);
            }
        }
        event
    }

    /// Our own SSRC has come from outside (RFC 3550 section 8.2): from an address that has used it
    /// before it is a loop; from a new one a collision, upon which we take another SSRC.
    fn own_ssrc_from(&mut self, now: Duration, from: u64) -> Result<(), Refused> {
        if let Some(conflict) = self.conflicts.iter_mut().find(|(address, _)| *address == from)
            && now.saturating_sub(conflict.1) < CONFLICT
        {
            conflict.1 = now;
            return Err(Error::Loop);
        }
        let changed = self.collision.is_some() || self.disowned.is_some();
        if changed || (self.own.spoken && now.saturating_sub(self.ssrc_taken) < SSRC_HOLD) {
            return Err(Error::Loop);
        }
        if let Some(oldest) = self.conflicts.iter_mut().min_by_key(|(_, time)| *time) {
            *oldest = (from, now);
        }
        let old = self.own.ssrc;
        if self.own.spoken && self.leaving == Leaving::No {
            self.disowned = Some(old);
        }
        self.own = loop {
            let own = new_own(&mut self.random, None, None);
            if own.ssrc != old && self.find(own.ssrc).is_none() {
                break own;
            }
        };
        self.ssrc_taken = now;
        warn!("our SSRC {} was another's too: it is {} now", old, self.own.ssrc);
        self.collision = Some((old, self.own.ssrc));
        Ok(())
    }

    /// A keyed digest of an address, never 0.
    fn digest(&self, address: SocketAddr) -> u64 {
        let mut hasher = self.members.hasher();
        address.hash(&mut hasher);
        hasher.finish().max(1)
    }
}

pub(super) fn member_timeout(config: &super::Config, interval: Duration) -> Duration {
    interval.saturating_mul(config.timeout_intervals).max(config.least_timeout)
}
