//! Two domains become one (T.125 sections 11.9 to 11.13 and 13.5).
//!
//! ```text
//!  former top                         the top above, through any number of providers
//!    | -- ErectDomain ---------------> |        what is below hears PlumbDomain meanwhile,
//!    | -- MergeChannels, user ids ---> |        and nothing is taken from it
//!    | <- confirm: taken, purged ----- |
//!    | -- MergeTokens ---------------> |
//!    | <- confirm -------------------- |
//!    | -- MergeChannels, the rest ---> |
//!    | <- confirm -------------------- |
//! ```
//!
//! One request is under way at a time: what is purged is gone below before the next one.

use core::cell::RefCell;

use super::super::domain::DomainMcsPdu;
use super::super::merge::{
    ChannelAttributes, ChannelAttributesAssigned, ChannelAttributesPrivate,
    ChannelAttributesStatic, ChannelAttributesUserId, MergeChannelsConfirm, MergeChannelsRequest,
    MergeTokensConfirm, MergeTokensRequest, PurgeChannelsIndication, PurgeTokensIndication,
    TokenAttributes, TokenAttributesGiven, TokenAttributesGiving, TokenAttributesGrabbed,
    TokenAttributesInhibited,
};
use super::super::{
    AssignedChannelId, ChannelId, PrivateChannelId, Reason, StaticChannelId, TokenId, UserId,
};
use super::token::State;
use super::user::MANY;
use super::{
    Connection, Event, GONE, ListId, NOBODY, Party, Provider, Way, channel_key, user_key, user_of,
};
use crate::error::{Error, Full};
use crate::per::{List, ListIter, Value};

/// How far the merge of this former top is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merge {
    phase: Phase,
    /// From which slot of the phase's table on nothing was sent yet.
    from: usize,
    /// With which member a long list goes on: of what stands in the slot before.
    rest: Option<(u16, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Users,
    Tokens,
    Channels,
}

impl Merge {
    pub(super) const START: Self = Self { phase: Phase::Users, from: 0, rest: None };
}

/// How many attributes of one request are looked at; more are purged.
const MOST: usize = 512;

/// Which elements of a list were taken.
struct Mask([u64; MOST / 64]);

impl Mask {
    fn of(taken: impl Iterator<Item = bool>) -> Self {
        let mut mask = Self([0; MOST / 64]);
        for (at, taken) in taken.take(MOST).enumerate() {
            if let Some(word) = mask.0.get_mut(at / 64) {
                *word |= u64::from(taken) << (at % 64);
            }
        }
        mask
    }

    fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
}

/// The elements of a list that were taken, or those that were not, asked for one after the other.
struct Picked<'m, 'a, T> {
    list: List<'a, T>,
    mask: &'m Mask,
    wanted: bool,
    next: RefCell<(usize, ListIter<'a, T>)>,
}

impl<'m, 'a, T: Value<'a>> Picked<'m, 'a, T> {
    fn new(list: List<'a, T>, mask: &'m Mask, wanted: bool) -> Self {
        Self { list, mask, wanted, next: RefCell::new((0, list.iter())) }
    }

    fn len(&self) -> usize {
        (0..self.list.len()).filter(|at| self.mask.has(*at) == self.wanted).count()
    }

    fn at(&self, number: usize) -> Option<T> {
        let mut next = self.next.try_borrow_mut().ok()?;
        if number == 0 {
            *next = (0, self.list.iter());
        }
        loop {
            let element = next.1.next()?;
            let at = next.0;
            next.0 += 1;
            if self.mask.has(at) == self.wanted {
                return Some(element);
            }
        }
    }
}

fn id_of(attributes: &ChannelAttributes<'_>) -> ChannelId {
    ChannelId::from_number(match attributes {
        ChannelAttributes::Static(attributes) => attributes.channel_id.value(),
        ChannelAttributes::UserId(attributes) => attributes.user_id.value(),
        ChannelAttributes::Private(attributes) => attributes.channel_id.value(),
        ChannelAttributes::Assigned(attributes) => attributes.channel_id.value(),
    })
}

fn token_of(attributes: &TokenAttributes<'_>) -> TokenId {
    match attributes {
        TokenAttributes::Grabbed(attributes) => attributes.token_id,
        TokenAttributes::Inhibited(attributes) => attributes.token_id,
        TokenAttributes::Giving(attributes) => attributes.token_id,
        TokenAttributes::Ungivable(attributes) => attributes.token_id,
        TokenAttributes::Given(attributes) => attributes.token_id,
    }
}

const NO_CHANNEL: ChannelAttributes<'static> =
    ChannelAttributes::Static(ChannelAttributesStatic { channel_id: StaticChannelId::MIN });
const NO_TOKEN: TokenAttributes<'static> = TokenAttributes::Grabbed(TokenAttributesGrabbed {
    token_id: TokenId::MIN,
    grabber: UserId::MIN,
});

impl Provider<'_> {
    /// Whether this provider's domain is becoming a part of another one.
    pub(crate) const fn is_merging(&self) -> bool {
        self.merge.is_some()
    }

    /// Whether the provider above does not know the users here yet.
    pub(super) fn is_unknown_above(&self) -> bool {
        self.merge.is_some_and(|merge| merge.phase == Phase::Users)
    }

    /// Sends what is to be merged next; an event where that is all.
    pub(super) fn step_merge<'d>(&mut self) -> Result<Option<Event<'d>>, Error> {
        let (Some(mut merge), Some(upward)) = (self.merge, self.upward) else { return Ok(None) };
        loop {
            let sent = match merge.phase {
                Phase::Users => self.merge_users(upward, &mut merge)?,
                Phase::Tokens => self.merge_token(upward, &mut merge)?,
                Phase::Channels => self.merge_channels(upward, &mut merge)?,
            };
            if sent {
                self.merge = Some(merge);
                return Ok(None);
            }
            merge.phase = match merge.phase {
                Phase::Users => Phase::Tokens,
                Phase::Tokens => Phase::Channels,
                Phase::Channels => {
                    self.merge = None;
                    return Ok(Some(Event::Merged));
                }
            };
            (merge.from, merge.rest) = (0, None);
        }
    }

    fn send_merge_channels<'a>(
        &mut self,
        upward: Connection,
        attributes: List<'a, ChannelAttributes<'a>>,
    ) -> Result<(), Full> {
        let request =
            MergeChannelsRequest { merge_channels: attributes, purge_channel_ids: List::new(&[]) };
        self.send_pdu(upward, &DomainMcsPdu::MergeChannelsRequest(request))
    }

    fn merge_users(&mut self, upward: Connection, merge: &mut Merge) -> Result<bool, Error> {
        let (mut ids, mut count) = ([(UserId::MIN, false); MANY], 0);
        while let (Some(place), Some((next, key))) =
            (ids.get_mut(count), self.users.scan(merge.from, |_, _| true))
        {
            merge.from = next;
            if let Some(user) = user_of(key as u32) {
                *place = (user, self.channels.get(key).is_some());
                count += 1;
            }
        }
        let make = |number: usize| {
            let (user_id, joined) = ids.get(number).copied().unwrap_or((UserId::MIN, false));
            ChannelAttributes::UserId(ChannelAttributesUserId { joined, user_id })
        };
        if count > 0 {
            self.send_merge_channels(upward, List::made(count, &make))?;
        }
        Ok(count > 0)
    }

    fn merge_channels(&mut self, upward: Connection, merge: &mut Merge) -> Result<bool, Error> {
        let (mut ids, mut count) = ([0u16; MANY], 0);
        loop {
            if let Some((channel, member)) = merge.rest.take() {
                let id = ChannelId::from_number(channel);
                let entry = self.channels.get(channel_key(id)).copied();
                let (Some(entry), Some(private)) = (entry, PrivateChannelId::new(channel)) else {
                    continue;
                };
                let list = ListId::admitted(channel);
                let (mut admitted, mut some) = ([UserId::MIN; MANY], 0);
                let mut next = member;
                while let (Some(place), Some(user)) = (admitted.get_mut(some), user_of(next)) {
                    *place = user;
                    some += 1;
                    next = self.lists.after(list, next);
                }
                merge.rest = (next != NOBODY).then_some((channel, next));
                let attributes = [ChannelAttributes::Private(ChannelAttributesPrivate {
                    joined: entry.first != NOBODY,
                    channel_id: private,
                    manager: UserId::new(entry.manager).unwrap_or(UserId::MIN),
                    admitted: List::new(admitted.get(..some).unwrap_or_default()),
                })];
                self.send_merge_channels(upward, List::new(&attributes))?;
                return Ok(true);
            }
            let users = &self.users;
            let found = self.channels.scan(merge.from, |key, _| users.get(key).is_none());
            let Some((next, key)) = found else { break };
            let entry = self.channels.get(key).copied();
            let private = entry.filter(|entry| entry.manager != 0);
            if private.is_some() && count > 0 {
                break;
            }
            merge.from = next;
            match private {
                Some(entry) => merge.rest = Some((key as u16, entry.admitted)),
                None => {
                    if let Some(place) = ids.get_mut(count) {
                        *place = key as u16;
                        count += 1;
                    }
                    if count == MANY {
                        break;
                    }
                }
            }
        }
        let make = |number: usize| {
            let id = ids.get(number).copied().unwrap_or_default();
            match (StaticChannelId::new(id), AssignedChannelId::new(id)) {
                (_, Some(channel_id)) => {
                    ChannelAttributes::Assigned(ChannelAttributesAssigned { channel_id })
                }
                (Some(channel_id), None) => {
                    ChannelAttributes::Static(ChannelAttributesStatic { channel_id })
                }
                (None, None) => NO_CHANNEL,
            }
        };
        if count > 0 {
            self.send_merge_channels(upward, List::made(count, &make))?;
        }
        Ok(count > 0)
    }

    fn merge_token(&mut self, upward: Connection, merge: &mut Merge) -> Result<bool, Error> {
        let (token, member) = match merge.rest.take() {
            Some(rest) => rest,
            None => {
                let Some((next, key)) = self.tokens.scan(merge.from, |_, _| true) else {
                    return Ok(false);
                };
                merge.from = next;
                (key as u16, self.tokens.get(key).map_or(NOBODY, |entry| entry.first))
            }
        };
        let state = self.tokens.get(u64::from(token)).map(|entry| entry.state);
        let list = ListId::possessors(token);
        let (mut users, mut count) = ([UserId::MIN; MANY], 0);
        let mut next = member;
        while let (Some(place), Some(user)) = (users.get_mut(count), user_of(next)) {
            *place = user;
            count += 1;
            next = self.lists.after(list, next);
        }
        let token_id = TokenId::new(token).unwrap_or(TokenId::MIN);
        let attributes = match state {
            Some(State::Grabbed { grabber }) => {
                TokenAttributes::Grabbed(TokenAttributesGrabbed { token_id, grabber })
            }
            Some(State::Giving { grabber, recipient }) => {
                TokenAttributes::Giving(TokenAttributesGiving { token_id, grabber, recipient })
            }
            Some(State::Given { recipient }) => {
                TokenAttributes::Given(TokenAttributesGiven { token_id, recipient })
            }
            Some(State::Inhibited | State::Below) | None => {
                merge.rest = (next != NOBODY).then_some((token, next));
                let inhibitors = List::new(users.get(..count).unwrap_or_default());
                TokenAttributes::Inhibited(TokenAttributesInhibited { token_id, inhibitors })
            }
        };
        let attributes = [attributes];
        let request = MergeTokensRequest {
            merge_tokens: List::new(&attributes),
            purge_token_ids: List::new(&[]),
        };
        self.send_pdu(upward, &DomainMcsPdu::MergeTokensRequest(request))?;
        Ok(true)
    }

    /// A domain below wants to become a part of this one.
    pub(super) fn merge_channels_below(
        &mut self,
        connection: Connection,
        request: MergeChannelsRequest<'_>,
    ) -> Result<(), Error> {
        if let (false, Some(upward)) = (self.top, self.upward) {
            self.merges_below.push(Party::Connection(connection).number())?;
            return Ok(self.send_pdu(upward, &DomainMcsPdu::MergeChannelsRequest(request))?);
        }
        let list = request.merge_channels;
        let mask =
            Mask::of(list.iter().map(|attributes| self.take_channel(connection, &attributes)));
        self.confirm_merge_channels(connection, list, &mask, List::new(&[]))
    }

    fn confirm_merge_channels<'a>(
        &mut self,
        connection: Connection,
        list: List<'a, ChannelAttributes<'a>>,
        mask: &Mask,
        purged: List<'_, ChannelId>,
    ) -> Result<(), Error> {
        let (taken, not) = (Picked::new(list, mask, true), Picked::new(list, mask, false));
        let make = |number: usize| taken.at(number).unwrap_or(NO_CHANNEL);
        let first = not.len();
        let purge = |number: usize| match number.checked_sub(first) {
            None => not.at(number).map_or(ChannelId::MIN, |attributes| id_of(&attributes)),
            Some(number) => purged.iter().nth(number).unwrap_or(ChannelId::MIN),
        };
        let confirm = MergeChannelsConfirm {
            merge_channels: List::made(taken.len(), &make),
            purge_channel_ids: List::made(first.saturating_add(purged.len()), &purge),
        };
        Ok(self.send_pdu(connection, &DomainMcsPdu::MergeChannelsConfirm(confirm))?)
    }

    /// Takes a channel or a user of a domain below. Whether there is nothing against it.
    fn take_channel(&mut self, connection: Connection, attributes: &ChannelAttributes<'_>) -> bool {
        let party = Party::Connection(connection);
        let below = Some(Way::Below(connection));
        let id = id_of(attributes);
        let room = self.channels_in_use() < self.parameters.max_channel_ids as usize || !self.top;
        let entry = self.channels.get(channel_key(id)).copied();
        match attributes {
            ChannelAttributes::UserId(attributes) => {
                let user = attributes.user_id;
                let limit = self.parameters.max_user_ids as usize;
                let full = self.top && self.users.len() >= limit;
                if self.is_user(user) || entry.is_some() || full || !room {
                    return false;
                }
                if self.users.insert(user_key(user), Way::Below(connection)).is_err() {
                    return false;
                }
                self.frozen = true;
                if attributes.joined && self.add_member(id, party).is_err() {
                    self.users.remove(user_key(user));
                    return false;
                }
                true
            }
            ChannelAttributes::Static(_) => {
                (entry.is_some() || room) && self.add_member(id, party).is_ok()
            }
            ChannelAttributes::Assigned(_) => {
                // Above it may be in use by others; what the top has taken is taken here too.
                let conflict = self.is_known(id) && self.top;
                !conflict && room && self.add_member(id, party).is_ok()
            }
            ChannelAttributes::Private(attributes) => {
                let manager = attributes.manager;
                let conflict = id.as_user().is_some_and(|user| self.is_user(user))
                    || entry.is_some_and(|entry| entry.manager != manager.value());
                if conflict || !(room || entry.is_some()) || self.way_to(manager) != below {
                    return false;
                }
                for user in attributes.admitted.iter() {
                    if self.way_to(user) == below {
                        let _ = self.found(attributes.channel_id, manager, user);
                    }
                }
                let known = self.channels.get(channel_key(id)).is_some();
                known && (!attributes.joined || self.add_member(id, party).is_ok())
            }
        }
    }

    fn is_known(&self, id: ChannelId) -> bool {
        self.channels.get(channel_key(id)).is_some()
            || id.as_user().is_some_and(|user| self.is_user(user))
    }

    /// What the top has taken of a domain: of ours, or of one below.
    pub(super) fn merge_channels_confirmed<'d>(
        &mut self,
        confirm: MergeChannelsConfirm<'_>,
    ) -> Result<Option<Event<'d>>, Error> {
        let list = confirm.merge_channels;
        if let Some(merge) = self.merge {
            let (mut ids, mut count) = ([ChannelId::MIN; MANY], 0);
            for (place, id) in ids.iter_mut().zip(confirm.purge_channel_ids.iter()) {
                *place = id;
                count += 1;
            }
            let user =
                |number: usize| ids.get(number).and_then(|id| id.as_user()).unwrap_or(UserId::MIN);
            let (users, channels) = match merge.phase {
                Phase::Users => (List::made(count, &user), List::new(&[])),
                _ => (List::new(&[]), List::new(ids.get(..count).unwrap_or_default())),
            };
            if count > 0 {
                self.purge_channels(PurgeChannelsIndication {
                    detach_user_ids: users,
                    purge_channel_ids: channels,
                })?;
            }
            // Those between did not know yet who or what is gone since it was asked for.
            for attributes in list.iter() {
                match attributes {
                    ChannelAttributes::UserId(user) if !self.is_user(user.user_id) => {
                        self.send_detach(user.user_id, Reason::DomainDisconnected)?;
                    }
                    ChannelAttributes::UserId(user) => {
                        let own = ChannelId::from(user.user_id);
                        if user.joined && self.channels.get(channel_key(own)).is_none() {
                            self.leave_above(own)?;
                        }
                    }
                    other => self.unjoined(id_of(&other))?,
                }
            }
            return self.step_merge();
        }
        let Some(origin) = self.merges_below.remove(0) else {
            return Err(Error::UnexpectedPdu);
        };
        if origin == GONE {
            // Its users and channels must not stay.
            for attributes in list.iter() {
                match attributes {
                    ChannelAttributes::UserId(user) => {
                        self.send_detach(user.user_id, Reason::DomainDisconnected)?;
                    }
                    other => self.unjoined(id_of(&other))?,
                }
            }
            return Ok(None);
        }
        let connection = Connection(origin as u16);
        let mask =
            Mask::of(list.iter().map(|attributes| self.take_channel(connection, &attributes)));
        let not = Picked::new(list, &mask, false);
        for number in 0..not.len() {
            // The top thinks that it is taken.
            match not.at(number) {
                Some(ChannelAttributes::UserId(user)) => {
                    self.send_detach(user.user_id, Reason::ChannelPurged)?;
                }
                Some(other) => self.unjoined(id_of(&other))?,
                None => {}
            }
        }
        self.confirm_merge_channels(connection, list, &mask, confirm.purge_channel_ids)?;
        Ok(None)
    }

    /// The provider above is told that a channel is not joined, if it is not.
    fn unjoined(&mut self, channel: ChannelId) -> Result<(), Error> {
        let entry = self.channels.get(channel_key(channel));
        if entry.is_none_or(|entry| entry.first == NOBODY) {
            self.leave_above(channel)?;
        }
        Ok(())
    }

    /// The tokens of a domain below.
    pub(super) fn merge_tokens_below(
        &mut self,
        connection: Connection,
        request: MergeTokensRequest<'_>,
    ) -> Result<(), Error> {
        if let (false, Some(upward)) = (self.top, self.upward) {
            self.merges_below.push(Party::Connection(connection).number())?;
            return Ok(self.send_pdu(upward, &DomainMcsPdu::MergeTokensRequest(request))?);
        }
        let list = request.merge_tokens;
        let mask = Mask::of(list.iter().map(|attributes| self.take_token(connection, &attributes)));
        self.confirm_merge_tokens(connection, list, &mask, List::new(&[]))
    }

    fn confirm_merge_tokens<'a>(
        &mut self,
        connection: Connection,
        list: List<'a, TokenAttributes<'a>>,
        mask: &Mask,
        purged: List<'_, TokenId>,
    ) -> Result<(), Error> {
        let (taken, not) = (Picked::new(list, mask, true), Picked::new(list, mask, false));
        let make = |number: usize| taken.at(number).unwrap_or(NO_TOKEN);
        let first = not.len();
        let purge = |number: usize| match number.checked_sub(first) {
            None => not.at(number).map_or(TokenId::MIN, |attributes| token_of(&attributes)),
            Some(number) => purged.iter().nth(number).unwrap_or(TokenId::MIN),
        };
        let confirm = MergeTokensConfirm {
            merge_tokens: List::made(taken.len(), &make),
            purge_token_ids: List::made(first.saturating_add(purged.len()), &purge),
        };
        Ok(self.send_pdu(connection, &DomainMcsPdu::MergeTokensConfirm(confirm))?)
    }

    /// Takes a token of a domain below. Whether there is nothing against it.
    fn take_token(&mut self, connection: Connection, attributes: &TokenAttributes<'_>) -> bool {
        let below = Some(Way::Below(connection));
        let token = token_of(attributes);
        let state = self.tokens.get(u64::from(token.value())).map(|entry| entry.state);
        let as_known = |state| if self.top { state } else { State::Below };
        let free = state.is_none() || !self.top;
        match attributes {
            TokenAttributes::Inhibited(attributes) => {
                if !free && state != Some(State::Inhibited) {
                    return false;
                }
                let state = as_known(State::Inhibited);
                let inhibitors = attributes.inhibitors;
                let known = |user: &UserId| self.way_to(*user) == below;
                if inhibitors.iter().filter(known).count() == 0 {
                    // All of them are gone meanwhile: there is nothing to be purged.
                    return true;
                }
                for user in inhibitors.iter() {
                    if self.way_to(user) == below && self.possess(token, user, state).is_err() {
                        return false;
                    }
                }
                true
            }
            TokenAttributes::Grabbed(TokenAttributesGrabbed { grabber, .. }) => {
                let state = as_known(State::Grabbed { grabber: *grabber });
                self.take_possessors(free, below, token, &[*grabber], state)
            }
            TokenAttributes::Giving(TokenAttributesGiving { grabber, recipient, .. }) => {
                let state = as_known(State::Giving { grabber: *grabber, recipient: *recipient });
                self.take_possessors(free, below, token, &[*grabber, *recipient], state)
            }
            TokenAttributes::Ungivable(attributes) => {
                let grabber = attributes.grabber;
                let state = as_known(State::Grabbed { grabber });
                let taken = self.take_possessors(free, below, token, &[grabber], state);
                if taken && self.top {
                    // The recipient is gone: the donor hears of it.
                    let _ = self.confirm_no_recipient(grabber, token);
                }
                taken
            }
            TokenAttributes::Given(TokenAttributesGiven { recipient, .. }) => {
                let state = as_known(State::Given { recipient: *recipient });
                self.take_possessors(free, below, token, &[*recipient], state)
            }
        }
    }

    fn take_possessors(
        &mut self,
        free: bool,
        below: Option<Way>,
        token: TokenId,
        users: &[UserId],
        state: State,
    ) -> bool {
        free && users.iter().all(|user| self.way_to(*user) == below)
            && users.iter().all(|user| self.possess(token, *user, state).is_ok())
    }

    /// What the top has taken of the tokens of a domain: of ours, or of one below.
    pub(super) fn merge_tokens_confirmed<'d>(
        &mut self,
        confirm: MergeTokensConfirm<'_>,
    ) -> Result<Option<Event<'d>>, Error> {
        let list = confirm.merge_tokens;
        if self.merge.is_some() {
            for attributes in list.iter() {
                // Who has it is all that has to be known from now on.
                if let Some(entry) = self.tokens.get_mut(u64::from(token_of(&attributes).value())) {
                    entry.state = State::Below;
                }
            }
            if !confirm.purge_token_ids.is_empty() {
                let purge_token_ids = confirm.purge_token_ids;
                self.purge_tokens(PurgeTokensIndication { purge_token_ids })?;
            }
            return self.step_merge();
        }
        let Some(origin) = self.merges_below.remove(0) else {
            return Err(Error::UnexpectedPdu);
        };
        if origin == GONE {
            // Its users are detached, and their tokens free with that.
            return Ok(None);
        }
        let connection = Connection(origin as u16);
        let mask = Mask::of(list.iter().map(|attributes| {
            // Without room for it here nobody asks those users for the token.
            self.take_token(connection, &attributes);
            true
        }));
        self.confirm_merge_tokens(connection, list, &mask, confirm.purge_token_ids)?;
        Ok(None)
    }
}
