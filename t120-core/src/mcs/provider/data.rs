//! Data: sent, forwarded, delivered (T.125 sections 11.32 to 11.35).

use super::super::data::{Data, DataKind};
use super::super::{ChannelId, DataPriority, Diagnostic, Segmentation, UserId};
use super::{Connection, Delivery, Event, Party, Provider, Way};
use crate::error::Error;
use crate::per::Octets;

/// What stands before the user data of a data PDU at most.
const DATA_HEAD: usize = 8;
/// The most user data that needs no fragments.
const WHOLE: usize = 16383;

impl Provider<'_> {
    /// Sends data of a local user: to all others that have joined the channel, or, where it is
    /// `uniform`, to all that have, in the same order everywhere.
    pub(crate) fn send_data(
        &mut self,
        initiator: UserId,
        channel: ChannelId,
        priority: DataPriority,
        uniform: bool,
        user_data: &[u8],
    ) -> Result<Delivery, Error> {
        if self.way_to(initiator) != Some(Way::Here) {
            return Err(Error::Unknown);
        }
        if self.is_unknown_above() {
            return Err(Error::WrongState);
        }
        if self.is_shut_out(initiator, channel) {
            return Err(Error::NotAdmitted);
        }
        let size = (self.parameters.max_mcs_pdu_size as usize).saturating_sub(DATA_HEAD);
        let size = size.clamp(1, WHOLE);
        let mut rest = user_data;
        let mut begin = true;
        loop {
            let (segment, after) = rest.split_at(size.min(rest.len()));
            let end = after.is_empty();
            let data = Data {
                kind: if uniform { DataKind::UniformRequest } else { DataKind::SendRequest },
                initiator,
                channel,
                priority,
                segmentation: Segmentation { begin, end },
                user_data: Octets::new(segment),
            };
            let delivery = self.route_request(Party::User(initiator), &data)?;
            if end {
                return Ok(delivery);
            }
            rest = after;
            begin = false;
        }
    }

    /// Which of the transport connections of an MCS connection carries data of a priority: beyond
    /// those that there are, the last (T.125 section 6.2).
    fn lane_of(&self, priority: DataPriority) -> u8 {
        let last = self.parameters.num_priorities.clamp(1, 4) - 1;
        priority.number().min(last as u8)
    }

    pub(super) fn handle_data<'d>(
        &mut self,
        connection: Connection,
        lane: u8,
        from_above: bool,
        tsdu: &'d [u8],
    ) -> Result<Option<Event<'d>>, Error> {
        let data = match Data::parse(tsdu) {
            Ok(data) => data,
            Err(error) => {
                self.reject(connection, Diagnostic::InvalidPerEncoding, tsdu)?;
                return Err(Error::Parse(error));
            }
        };
        let is_request = matches!(data.kind, DataKind::SendRequest | DataKind::UniformRequest);
        if is_request == from_above {
            let diagnostic = if from_above {
                Diagnostic::ForbiddenPduDownward
            } else {
                Diagnostic::ForbiddenPduUpward
            };
            self.reject(connection, diagnostic, tsdu)?;
            return Ok(None);
        }
        if lane != self.lane_of(data.priority) && self.missing(connection) == 0 {
            // T.125 section 11.32.
            self.reject(connection, Diagnostic::WrongTransportPriority, tsdu)?;
            return Ok(None);
        }
        let delivery = if from_above {
            self.deliver(None, &data)?
        } else {
            if self.way_to(data.initiator) != Some(Way::Below(connection)) {
                // It may be racing its own detachment.
                return Ok(None);
            }
            if self.is_shut_out(data.initiator, data.channel) {
                // It may be racing its own expulsion (T.125 section 11.32).
                return Ok(None);
            }
            self.route_request(Party::Connection(connection), &data)?
        };
        Ok(delivery.local.then_some(Event::Data(data)))
    }

    /// A request from `origin`: it turns round here, goes on upward, or both.
    fn route_request(&mut self, origin: Party, data: &Data<'_>) -> Result<Delivery, Error> {
        let uniform = data.kind == DataKind::UniformRequest;
        // Nobody else can have joined the channel of a user that is attached below or here.
        let owned = data.channel.as_user().is_some_and(|user| self.is_user(user));
        if let Some(upward) = self.upward
            && (uniform || !owned)
        {
            let lane = self.transport.lane(upward, self.lane_of(data.priority));
            self.transport.send([lane], data.encoded_len(), |buffer| {
                let _ = data.write(buffer);
            })?;
        }
        if uniform && !self.top {
            return Ok(Delivery { local: false });
        }
        self.deliver(Some(origin).filter(|_| !uniform), data)
    }

    /// Gives data as an indication to all below that have joined the channel, but not to `but`.
    fn deliver(&mut self, but: Option<Party>, data: &Data<'_>) -> Result<Delivery, Error> {
        let kind = match data.kind {
            DataKind::SendRequest | DataKind::SendIndication => DataKind::SendIndication,
            DataKind::UniformRequest | DataKind::UniformIndication => DataKind::UniformIndication,
        };
        let indication = Data { kind, ..*data };
        let mut local = false;
        let lane = self.lane_of(data.priority);
        let Self { transport, channels, lists, .. } = self;
        let parties = super::parties(channels, lists, data.channel);
        let destinations =
            parties.filter(|party| Some(*party) != but).filter_map(|party| match party {
                Party::Connection(connection) => Some(connection),
                Party::User(_) => {
                    local = true;
                    None
                }
            });
        transport.send_on(lane, destinations, indication.encoded_len(), |buffer| {
            let _ = indication.write(buffer);
        })?;
        Ok(Delivery { local })
    }
}
