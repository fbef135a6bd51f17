//! RTCP of the host's own: feedback that goes out at once, and what is added to reports.
//!
//! ```text
//! poll_transmit ─▶ [ SR or RR | SDES ] ── append ─▶ [ SR or RR | SDES | XR ]
//! feedback ──────▶ [ RR | SDES | NACK ]      or, in reduced size, [ NACK ]
//! ```

use core::time::Duration;

use super::{Leaving, Session, Transmit};
use crate::rtcp::Packet;
use crate::{BufferTooSmall, Error};

/// What goes in front of feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Compounding {
    /// An empty receiver report and our canonical name (RFC 4585 section 3.1).
    Minimal,
    /// Nothing, where both sides have agreed on reduced size (RFC 5506; SDP: `a=rtcp-rsize`).
    ReducedSize,
}

impl Session<'_> {
    /// Writes RTCP that does not wait for the next report into the host's buffer: a NACK, a request
    /// for a picture, what an application has to say (RFC 4585 section 3.5.1, immediate feedback).
    ///
    /// It counts among what RTCP takes of the bandwidth, so that reports become rarer. How often
    /// feedback goes out is the host's to say: in a call between two as often as the 5 % allow.
    ///
    /// ```
    /// # use rtp_core::session::{Cname, Compounding, Config, Path, Session, Storage};
    /// use core::time::Duration;
    /// use rtp_core::Ssrc;
    /// use rtp_core::rtcp::{Packet, PayloadFeedback, PayloadMessage};
    /// # let mut storage = Storage::<1>::new();
    /// # let mut config = Config::new(Cname::new("alice@example.org")?);
    /// # config.rtcp = Some(Path::rtcp(([192, 0, 2, 1], 5351).into()));
    /// # let mut session = Session::new(config, &mut storage, [0; 32])?;
    /// # let (now, video) = (Duration::ZERO, Ssrc(7));
    /// let message = PayloadMessage::PictureLoss;
    /// let loss = PayloadFeedback { sender: session.ssrc(), media: video, message };
    /// let mut buffer = [0; 128];
    /// let packets = [Packet::PayloadFeedback(loss)];
    /// let sent = session.feedback(now, Compounding::Minimal, &packets, &mut buffer)?;
    /// // buffer[..sent.len] goes to sent.path.
    /// # assert_eq!(sent.len, 8 + 28 + 12);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The buffer is too small, nowhere to send RTCP to was named, or the session was left.
    pub fn feedback(
        &mut self,
        now: Duration,
        compounding: Compounding,
        packets: &[Packet<'_>],
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        self.begin(now);
        if self.leaving != Leaving::No {
            return Err(Error::Left);
        }
        let path = self.config.rtcp_path().ok_or(Error::NoDestination)?;
        let head = match compounding {
            Compounding::Minimal => {
                8 + self.describe(self.own.ssrc, |description| description.encoded_len())
            }
            Compounding::ReducedSize => 0,
        };
        let body = packets.iter().fold(0, |len: usize, p| len.saturating_add(p.encoded_len()));
        let needed = head.saturating_add(body);
        let too_small = BufferTooSmall { needed };
        let whole = buffer.get_mut(..needed).ok_or(too_small)?;
        let (front, mut rest) = whole.split_at_mut_checked(head).ok_or(too_small)?;
        if let Some((report, description)) = front.split_first_chunk_mut::<8>() {
            *report = super::send::empty_report(self.own.ssrc);
            self.describe(self.own.ssrc, |value| value.write(description))?;
        }
        for packet in packets {
            let len = packet.write(rest)?;
            rest = rest.get_mut(len..).unwrap_or_default();
        }
        let size = needed.saturating_add(self.config.overhead());
        self.average.add(size);
        self.totals.rtcp_sent = self.totals.rtcp_sent.saturating_add(1);
        self.totals.rtcp_octets_sent = self.totals.rtcp_octets_sent.saturating_add(size as u64);
        self.own.spoken = true;
        Ok(Transmit { path, len: needed })
    }

    /// Adds a packet to the report that [`Session::poll_transmit`] has just written into `buffer`: an
    /// extended report, a packet of the application's.
    ///
    /// # Errors
    /// The buffer is too small: the report is whole without the packet. [`Error::Left`] where it was
    /// a goodbye, behind which nothing comes (RFC 3550 section 6.1).
    pub fn append(
        &mut self,
        report: Transmit,
        packet: &Packet<'_>,
        buffer: &mut [u8],
    ) -> Result<Transmit, Error> {
        if self.leaving == Leaving::Left {
            return Err(Error::Left);
        }
        let more = packet.encoded_len();
        let needed = report.len.saturating_add(more);
        let place = buffer.get_mut(report.len..needed).ok_or(BufferTooSmall { needed })?;
        packet.write(place)?;
        self.average.grow(more);
        self.totals.rtcp_octets_sent = self.totals.rtcp_octets_sent.saturating_add(more as u64);
        Ok(Transmit { len: needed, ..report })
    }
}
