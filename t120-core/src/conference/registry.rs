//! The registry at the top: names for channels, tokens and parameters, and handles (T.124 section
//! 7.5.4). Answers come to the host as [`Event::Gcc`](super::Event::Gcc).

use super::Conference;
use crate::error::{Error, Fault};
use crate::gcc::pdu::{IndicationPdu, RequestPdu, ResponsePdu};
use crate::gcc::registry::{
    AllocateHandleResult, RegistryAllocateHandleRequest, RegistryAllocateHandleResponse,
    RegistryAssignTokenRequest, RegistryDeleteEntryRequest, RegistryEntryOwner,
    RegistryEntryOwnerOwned, RegistryItem, RegistryKey, RegistryModificationRights,
    RegistryMonitorEntryIndication, RegistryMonitorEntryRequest, RegistryPrimitive,
    RegistryRegisterChannelRequest, RegistryResponse, RegistryResult, RegistryRetrieveEntryRequest,
    RegistrySetParameterRequest,
};
use crate::gcc::types::{DynamicChannelId, DynamicTokenId, EntityId, Handle};
use crate::mcs::UserId;
use crate::per::{Int, SizedOctets};

/// What a record of the directory is marked with; one that is monitored, too.
const ENTRY: u64 = 3 << 60;
const MONITORED: u64 = 1;
const KIND: u64 = 0xf << 60;
/// The longest entry: keys of application protocols have at most 255 octets, names and parameters
/// 64.
const ENTRY_OCTETS: usize = 512;

pub(super) const fn is_of_registry(request: &RequestPdu<'_>) -> bool {
    matches!(
        request,
        RequestPdu::RegistryRegisterChannelRequest(_)
            | RequestPdu::RegistryAssignTokenRequest(_)
            | RequestPdu::RegistrySetParameterRequest(_)
            | RequestPdu::RegistryRetrieveEntryRequest(_)
            | RequestPdu::RegistryDeleteEntryRequest(_)
            | RequestPdu::RegistryMonitorEntryRequest(_)
            | RequestPdu::RegistryAllocateHandleRequest(_)
    )
}

/// What is done with an entry.
#[derive(Clone, Copy)]
struct Asked<'a> {
    primitive: RegistryPrimitive,
    entity: EntityId,
    key: RegistryKey<'a>,
    item: RegistryItem<'a>,
    rights: Option<RegistryModificationRights>,
}

impl Conference<'_> {
    /// Registers a channel under a name.
    ///
    /// # Errors
    /// [`Error::WrongState`] in no conference, [`Error::Full`] without room for the request.
    pub fn register_channel(
        &mut self,
        entity: EntityId,
        key: RegistryKey<'_>,
        channel: DynamicChannelId,
    ) -> Result<(), Error> {
        self.request(RequestPdu::RegistryRegisterChannelRequest(RegistryRegisterChannelRequest {
            entity_id: entity,
            key,
            channel_id: channel,
        }))
    }

    /// Wants a token under a name: a new one, or the one that it has.
    ///
    /// # Errors
    /// As for [`register_channel`](Self::register_channel).
    pub fn assign_token(&mut self, entity: EntityId, key: RegistryKey<'_>) -> Result<(), Error> {
        let request = RegistryAssignTokenRequest { entity_id: entity, key };
        self.request(RequestPdu::RegistryAssignTokenRequest(request))
    }

    /// Sets a parameter of at most 64 octets.
    ///
    /// # Errors
    /// As for [`register_channel`](Self::register_channel); [`Error::Value`] for a longer one.
    pub fn set_parameter(
        &mut self,
        entity: EntityId,
        key: RegistryKey<'_>,
        parameter: &[u8],
        rights: Option<RegistryModificationRights>,
    ) -> Result<(), Error> {
        let parameter = SizedOctets::new(parameter).ok_or(Error::Value(Fault::OutOfRange))?;
        self.request(RequestPdu::RegistrySetParameterRequest(RegistrySetParameterRequest {
            entity_id: entity,
            key,
            parameter,
            modification_rights: rights,
        }))
    }

    /// Asks what stands under a name.
    ///
    /// # Errors
    /// As for [`register_channel`](Self::register_channel).
    pub fn retrieve_entry(&mut self, entity: EntityId, key: RegistryKey<'_>) -> Result<(), Error> {
        let request = RegistryRetrieveEntryRequest { entity_id: entity, key };
        self.request(RequestPdu::RegistryRetrieveEntryRequest(request))
    }

    /// Frees a name.
    ///
    /// # Errors
    /// As for [`register_channel`](Self::register_channel).
    pub fn delete_entry(&mut self, entity: EntityId, key: RegistryKey<'_>) -> Result<(), Error> {
        let request = RegistryDeleteEntryRequest { entity_id: entity, key };
        self.request(RequestPdu::RegistryDeleteEntryRequest(request))
    }

    /// All nodes are told from now on when what stands under a name changes.
    ///
    /// # Errors
    /// As for [`register_channel`](Self::register_channel).
    pub fn monitor_entry(&mut self, entity: EntityId, key: RegistryKey<'_>) -> Result<(), Error> {
        let request = RegistryMonitorEntryRequest { entity_id: entity, key };
        self.request(RequestPdu::RegistryMonitorEntryRequest(request))
    }

    /// Asks for handles, 1 to 1024, that nobody else has.
    ///
    /// # Errors
    /// As for [`register_channel`](Self::register_channel); [`Error::Value`] for another number.
    pub fn allocate_handles(&mut self, entity: EntityId, count: u16) -> Result<(), Error> {
        let number_of_handles =
            Int::new(i64::from(count)).ok_or(Error::Value(Fault::OutOfRange))?;
        let request = RegistryAllocateHandleRequest { entity_id: entity, number_of_handles };
        self.request(RequestPdu::RegistryAllocateHandleRequest(request))
    }

    pub(super) fn handle_registry(
        &mut self,
        from: UserId,
        request: &RequestPdu<'_>,
    ) -> Result<(), Error> {
        let vacant = RegistryItem::Vacant;
        let asked =
            |primitive, entity, key, item, rights| Asked { primitive, entity, key, item, rights };
        let asked = match request {
            RequestPdu::RegistryRegisterChannelRequest(p) => asked(
                RegistryPrimitive::RegisterChannel,
                p.entity_id,
                p.key,
                RegistryItem::ChannelId(p.channel_id),
                None,
            ),
            RequestPdu::RegistryAssignTokenRequest(p) => {
                asked(RegistryPrimitive::AssignToken, p.entity_id, p.key, vacant, None)
            }
            RequestPdu::RegistrySetParameterRequest(p) => asked(
                RegistryPrimitive::SetParameter,
                p.entity_id,
                p.key,
                RegistryItem::Parameter(p.parameter),
                p.modification_rights,
            ),
            RequestPdu::RegistryRetrieveEntryRequest(p) => {
                asked(RegistryPrimitive::RetrieveEntry, p.entity_id, p.key, vacant, None)
            }
            RequestPdu::RegistryDeleteEntryRequest(p) => {
                asked(RegistryPrimitive::DeleteEntry, p.entity_id, p.key, vacant, None)
            }
            RequestPdu::RegistryMonitorEntryRequest(p) => {
                asked(RegistryPrimitive::MonitorEntry, p.entity_id, p.key, vacant, None)
            }
            RequestPdu::RegistryAllocateHandleRequest(p) => return self.give_handles(from, p),
            _ => return Ok(()),
        };
        self.answer_registry(from, &asked)
    }

    fn give_handles(
        &mut self,
        from: UserId,
        request: &RegistryAllocateHandleRequest,
    ) -> Result<(), Error> {
        let count = u32::try_from(request.number_of_handles.value()).unwrap_or(1);
        let first = self.handles;
        let result = match first.checked_add(count) {
            Some(next) => {
                self.handles = next;
                AllocateHandleResult::Successful
            }
            None => AllocateHandleResult::NoHandlesAvailable,
        };
        let response = RegistryAllocateHandleResponse {
            entity_id: request.entity_id,
            number_of_handles: request.number_of_handles,
            first_handle: Handle::new(first).unwrap_or(Handle::MIN),
            result,
        };
        self.answer(from, ResponsePdu::RegistryAllocateHandleResponse(response))
    }

    /// Where an entry stands, and whether it is monitored.
    fn entry(&self, key: &RegistryKey<'_>) -> Option<(usize, u64, RegistryResponse<'_>)> {
        let entries = self.directory.iter().filter(|record| record.mark & KIND == ENTRY);
        entries
            .filter_map(|record| {
                Some((record.at, record.mark, RegistryResponse::parse(record.octets).ok()?))
            })
            .find(|(_, _, entry)| entry.key == *key)
    }

    fn answer_registry(&mut self, from: UserId, asked: &Asked<'_>) -> Result<(), Error> {
        let token = self.free_token();
        let me = RegistryEntryOwnerOwned { node_id: from, entity_id: asked.entity };
        let found = self.entry(&asked.key);
        let place = found.as_ref().map(|(at, mark, _)| (*at, *mark));
        let entry = found.map(|(_, _, entry)| entry);
        let new = |item, rights| RegistryResponse {
            entity_id: asked.entity,
            primitive_type: asked.primitive,
            key: asked.key,
            item,
            owner: RegistryEntryOwner::Owned(me),
            modification_rights: rights,
            result: RegistryResult::Successful,
        };
        let owned_by_other = |entry: &RegistryResponse<'_>| match entry.owner {
            RegistryEntryOwner::Owned(owner) => owner != me,
            RegistryEntryOwner::NotOwned => false,
        };
        let vacant = RegistryResponse {
            owner: RegistryEntryOwner::NotOwned,
            result: RegistryResult::EntryNotFound,
            ..new(RegistryItem::Vacant, None)
        };
        let is_vacant = |entry: &RegistryResponse<'_>| entry.item == RegistryItem::Vacant;
        // The answer, and what stands in the entry from now on where that is something else.
        let as_it_is = |entry, result| (entry_with(entry, asked, result), false);
        let (response, changed) = match (asked.primitive, entry) {
            (RegistryPrimitive::RegisterChannel, None) => (new(asked.item, None), true),
            (RegistryPrimitive::RegisterChannel, Some(entry)) if is_vacant(&entry) => {
                (new(asked.item, None), true)
            }
            (RegistryPrimitive::RegisterChannel, Some(entry)) => match entry.item {
                RegistryItem::ChannelId(_) => as_it_is(entry, RegistryResult::EntryAlreadyExists),
                _ => as_it_is(entry, RegistryResult::InconsistentType),
            },
            (RegistryPrimitive::AssignToken, None) => match token {
                Some(token) => (new(RegistryItem::TokenId(token), None), true),
                None => as_it_is(vacant, RegistryResult::TooManyEntries),
            },
            (RegistryPrimitive::AssignToken, Some(entry)) if is_vacant(&entry) => match token {
                Some(token) => (new(RegistryItem::TokenId(token), None), true),
                None => as_it_is(vacant, RegistryResult::TooManyEntries),
            },
            (RegistryPrimitive::AssignToken, Some(entry)) => match entry.item {
                RegistryItem::TokenId(_) => as_it_is(entry, RegistryResult::EntryAlreadyExists),
                _ => as_it_is(entry, RegistryResult::InconsistentType),
            },
            (RegistryPrimitive::SetParameter, None) => (new(asked.item, asked.rights), true),
            (RegistryPrimitive::SetParameter, Some(entry)) if is_vacant(&entry) => {
                (new(asked.item, asked.rights), true)
            }
            (RegistryPrimitive::SetParameter, Some(entry)) => match entry.item {
                RegistryItem::Parameter(_) => {
                    let mine = !owned_by_other(&entry);
                    let rights = entry.modification_rights;
                    let open = matches!(
                        rights,
                        None | Some(
                            RegistryModificationRights::Public
                                | RegistryModificationRights::Session
                        )
                    );
                    if mine || open {
                        let rights = if mine { asked.rights.or(rights) } else { rights };
                        let owner = match entry.owner {
                            RegistryEntryOwner::NotOwned => RegistryEntryOwner::Owned(me),
                            owner => owner,
                        };
                        (RegistryResponse { owner, ..new(asked.item, rights) }, true)
                    } else {
                        as_it_is(entry, RegistryResult::BelongsToOther)
                    }
                }
                _ => as_it_is(entry, RegistryResult::InconsistentType),
            },
            (_, None) => (vacant, false),
            (_, Some(entry)) if is_vacant(&entry) => as_it_is(entry, RegistryResult::EntryNotFound),
            (RegistryPrimitive::DeleteEntry, Some(entry)) => match owned_by_other(&entry) {
                true => as_it_is(entry, RegistryResult::BelongsToOther),
                false => (RegistryResponse { result: RegistryResult::Successful, ..vacant }, true),
            },
            (_, Some(entry)) => as_it_is(entry, RegistryResult::Successful),
        };
        // Into memory of its own, since the entry it was made from may go.
        let mut buffer = [0; ENTRY_OCTETS];
        let Ok(len) = response.write(&mut buffer) else {
            let response = RegistryResponse { result: RegistryResult::TooManyEntries, ..vacant };
            return self.answer(from, ResponsePdu::RegistryResponse(response));
        };
        let octets = buffer.get(..len).unwrap_or_default();
        let monitored = asked.primitive == RegistryPrimitive::MonitorEntry;
        let (mut watched, mut stored) = (false, true);
        if changed {
            let mark = place.map_or(ENTRY, |(_, mark)| mark);
            watched = mark & MONITORED != 0;
            if let Some((at, _)) = place {
                self.directory.remove(at);
            }
            // A monitored entry stays, vacant, so that its next item is told of, too.
            let gone = asked.primitive == RegistryPrimitive::DeleteEntry && !watched;
            stored = gone || self.directory.push(mark, octets).is_ok();
        } else if let (true, Some((at, _))) = (monitored, place) {
            self.directory.mark(at, MONITORED);
        }
        let response = RegistryResponse::parse(octets)?;
        let result = if stored { response.result } else { RegistryResult::TooManyEntries };
        let response = RegistryResponse { result, ..response };
        self.answer(from, ResponsePdu::RegistryResponse(response))?;
        if !(watched && stored) {
            return Ok(());
        }
        let indication = RegistryMonitorEntryIndication {
            key: response.key,
            item: response.item,
            owner: response.owner,
            modification_rights: response.modification_rights,
        };
        self.indicate(None, IndicationPdu::RegistryMonitorEntryIndication(indication))
    }

    /// A dynamic token that the registry has not given out, and nobody uses.
    fn free_token(&mut self) -> Option<DynamicTokenId> {
        let start = (self.provider.random() >> 40) as u16 % 49152;
        (0..1024u16).find_map(|step| {
            let number = 16384 + (start.wrapping_add(step) % 49152);
            let token = DynamicTokenId::new(number)?;
            let item = RegistryItem::TokenId(token);
            let entries = self.directory.iter().filter(|record| record.mark & KIND == ENTRY);
            let mut entries =
                entries.filter_map(|record| RegistryResponse::parse(record.octets).ok());
            let given = entries.any(|entry| entry.item == item);
            (!given && !self.provider.is_token(number)).then_some(token)
        })
    }

    /// The entries of a node that is gone belong to nobody.
    pub(super) fn disown_entries_of(&mut self, node: UserId) {
        loop {
            let entries = self.directory.iter().filter(|record| record.mark & KIND == ENTRY);
            let mut owned = entries.filter_map(|record| {
                let entry = RegistryResponse::parse(record.octets).ok()?;
                match entry.owner {
                    RegistryEntryOwner::Owned(owner) if owner.node_id == node => {
                        Some((record.at, record.mark, entry))
                    }
                    _ => None,
                }
            });
            let Some((at, mark, entry)) = owned.next() else { return };
            let entry = RegistryResponse { owner: RegistryEntryOwner::NotOwned, ..entry };
            let limit = self.config.max_queued_octets;
            let len = entry.encoded_len();
            let encoded = super::encode(&mut self.scratch, limit, &entry).is_ok();
            drop(owned);
            self.directory.remove(at);
            if encoded {
                let octets = self.scratch.cells().get(..len).unwrap_or_default();
                self.pending.overrun |= self.directory.push(mark, octets).is_err();
            }
        }
    }
}

fn entry_with<'a>(
    entry: RegistryResponse<'a>,
    asked: &Asked<'_>,
    result: RegistryResult,
) -> RegistryResponse<'a> {
    RegistryResponse { entity_id: asked.entity, primitive_type: asked.primitive, result, ..entry }
}
