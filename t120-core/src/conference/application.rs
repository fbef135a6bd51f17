//! T.121's application resource manager: entities of application protocols enrol with their
//! node, and the roster says who has which, with what all of them can do (T.124 section 7.4).
//!
//! ```text
//!   enrol at a node  --roster update-->  the top: entities, one by one
//!                                            | collapsed by session
//!   sessions everywhere  <--full refresh-----+
//! ```
//!
//! Capabilities collapse to the number of entities that have them, and with it to nothing more
//! (logical), to the least of their numbers, or to the greatest.

use core::cell::RefCell;

use super::{Conference, Phase};
use crate::error::Error;
use crate::gcc::conference::ApplicationInvokeIndication;
use crate::gcc::pdu::{GccPdu, IndicationPdu};
use crate::gcc::roster::{
    ApplicationCapabilitiesList, ApplicationChange, ApplicationInformation, ApplicationRecordList,
    ApplicationUpdate, CapabilityCount, NodeInformation, NodeRecordList, RosterUpdateIndication,
};
use crate::gcc::types::{
    ApplicationInvokeSpecifier, ApplicationRecord, CapabilityClass, CapabilityId, ChannelType,
    EntityId, Key, NonCollapsingCapability, SessionKey,
};
use crate::mcs::{ChannelId, UserId};
use crate::per::{Int, List, ObjectIdentifier, Unsigned, Value, Writer};
use crate::storage::{Records, Room};

/// What stands in a record of the directory.
const KIND: u64 = 0xf << 60;
const ENTITY: u64 = 1 << 60;
const SESSION: u64 = 2 << 60;

/// What an entity of an application protocol can do (T.124 section 7.4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capability<'a> {
    /// Which capability.
    pub id: CapabilityId<'a>,
    /// How it collapses, with the entity's own number.
    pub class: CapabilityClass,
}

/// An entity of an application protocol, as it enrols (T.121 section 7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entity<'a> {
    /// Its number, of the host's choice, one for each of the node's entities.
    pub id: EntityId,
    /// The protocol and the session.
    pub session: SessionKey<'a>,
    /// It takes part, and is not merely there.
    pub active: bool,
    /// It can follow a conductor.
    pub conducting_operation_capable: bool,
    /// The kind of the channel that the session began with.
    pub startup_channel: Option<ChannelType>,
    /// Its user of MCS.
    pub user: Option<UserId>,
    /// What collapses over the session.
    pub capabilities: &'a [Capability<'a>],
    /// What everybody gets as it is.
    pub non_collapsing_capabilities: &'a [NonCollapsingCapability<'a>],
}

/// Elements that are asked for by their number, one after the other.
pub(super) struct InTurn<I> {
    all: I,
    next: RefCell<I>,
}

impl<I: Iterator + Clone> InTurn<I> {
    fn new(all: I) -> Self {
        Self { next: RefCell::new(all.clone()), all }
    }

    fn len(&self) -> usize {
        self.all.clone().count()
    }

    fn at(&self, number: usize) -> Option<I::Item> {
        let mut next = self.next.try_borrow_mut().ok()?;
        if number == 0 {
            *next = self.all.clone();
        }
        next.next()
    }
}

const fn nothing<'a>() -> ApplicationInformation<'a> {
    ApplicationInformation {
        session_key: SessionKey {
            application_protocol_key: Key::Object(ObjectIdentifier::known(&[0])),
            session_id: None,
        },
        application_record_list: ApplicationRecordList::NoChange,
        application_capabilities_list: ApplicationCapabilitiesList::NoChange,
        roster_instance_number: 0,
        peer_entities_added: false,
        peer_entities_removed: false,
    }
}

/// The entities that a node tells the one above it.
pub(super) struct Upward<'d, 's>(InTurn<Informations<'d, 's>>);
/// The sessions that the top tells all.
pub(super) struct Sessions<'d, 's>(InTurn<Informations<'d, 's>>);

/// The records of one kind, read one after the other.
#[derive(Clone, Copy)]
struct Informations<'d, 's> {
    directory: &'d Records<'s>,
    kind: u64,
    at: usize,
}

impl<'d> Iterator for Informations<'d, '_> {
    type Item = ApplicationInformation<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = self.directory.get(self.at)?;
            self.at = self.directory.after(self.at);
            if record.mark & KIND == self.kind
                && let Ok(information) = ApplicationInformation::parse(record.octets)
            {
                return Some(information);
            }
        }
    }
}

impl<'d, 's> Upward<'d, 's> {
    pub(super) fn new(directory: &'d Records<'s>) -> Self {
        Self(InTurn::new(Informations { directory, kind: ENTITY, at: 0 }))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn at(&self, number: usize) -> ApplicationInformation<'d> {
        self.0.at(number).unwrap_or_else(nothing)
    }
}

impl<'d, 's> Sessions<'d, 's> {
    pub(super) fn new(directory: &'d Records<'s>) -> Self {
        Self(InTurn::new(Informations { directory, kind: SESSION, at: 0 }))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn at(&self, number: usize, instance: u16) -> ApplicationInformation<'d> {
        let information = self.0.at(number).unwrap_or_else(nothing);
        ApplicationInformation { roster_instance_number: instance, ..information }
    }
}

const fn mark(node: UserId, entity: EntityId) -> u64 {
    ENTITY | (node.value() as u64) << 16 | entity.value() as u64
}

const fn node_of(mark: u64) -> Option<UserId> {
    UserId::new((mark >> 16) as u16)
}

/// The one record of an entity's information.
fn update_of<'a>(information: &ApplicationInformation<'a>) -> Option<ApplicationUpdate<'a>> {
    match information.application_record_list {
        ApplicationRecordList::Update(list) => list.iter().next(),
        _ => None,
    }
}

fn capabilities_of<'a>(
    information: &ApplicationInformation<'a>,
) -> impl Iterator<Item = CapabilityCount<'a>> + Clone + use<'a> {
    let list = match information.application_capabilities_list {
        ApplicationCapabilitiesList::Refresh(list) => Some(list),
        ApplicationCapabilitiesList::NoChange => None,
    };
    list.into_iter().flat_map(|list| list.iter())
}

/// Two collapsed capabilities become one.
fn collapse<'a>(one: CapabilityCount<'a>, other: &CapabilityCount<'a>) -> CapabilityCount<'a> {
    let class = match (one.capability_class, other.capability_class) {
        (CapabilityClass::UnsignedMin(Unsigned(a)), CapabilityClass::UnsignedMin(Unsigned(b))) => {
            CapabilityClass::UnsignedMin(Unsigned(a.min(b)))
        }
        (CapabilityClass::UnsignedMax(Unsigned(a)), CapabilityClass::UnsignedMax(Unsigned(b))) => {
            CapabilityClass::UnsignedMax(Unsigned(a.max(b)))
        }
        (class, _) => class,
    };
    let count = one.number_of_entities.value().saturating_add(other.number_of_entities.value());
    let number_of_entities = Int::new(count.min(65536)).unwrap_or(one.number_of_entities);
    CapabilityCount { capability_class: class, number_of_entities, ..one }
}

impl Conference<'_> {
    /// Enrols an entity of an application protocol, or says anew what it is:
    /// [`Event::ApplicationsChanged`](super::Event::ApplicationsChanged) follows when all know.
    ///
    /// # Errors
    /// [`Error::WrongState`] in no conference, [`Error::Full`] without room for it.
    pub fn enroll(&mut self, entity: &Entity<'_>) -> Result<(), Error> {
        let node = self.node.filter(|_| self.phase == Phase::Entered).ok_or(Error::WrongState)?;
        let non_collapsing = entity.non_collapsing_capabilities;
        let record = ApplicationRecord {
            application_active: entity.active,
            conducting_operation_capable: entity.conducting_operation_capable,
            startup_channel: entity.startup_channel,
            application_user_id: entity.user,
            non_collapsing_capabilities: (!non_collapsing.is_empty())
                .then_some(List::new(non_collapsing)),
        };
        let capabilities = entity.capabilities.iter().map(|capability| CapabilityCount {
            capability_id: capability.id,
            capability_class: capability.class,
            number_of_entities: Int::ZERO,
        });
        self.keep_entity((node, entity.id), &entity.session, &record, capabilities)?;
        self.tell_entity(node, entity.id)
    }

    /// Takes an entity of this node off the roster.
    ///
    /// # Errors
    /// [`Error::Unknown`] for one that is not enrolled, [`Error::Full`] without room to say so.
    pub fn withdraw(&mut self, entity: EntityId) -> Result<(), Error> {
        let node = self.node.ok_or(Error::WrongState)?;
        let mark = mark(node, entity);
        let record = self.directory.find(mark).ok_or(Error::Unknown)?;
        let (at, information) = (record.at, ApplicationInformation::parse(record.octets)?);
        if self.provider.is_top() {
            self.directory.remove(at);
            return self.applications_changed();
        }
        let superior = self.superior.ok_or(Error::WrongState)?;
        let update = [ApplicationUpdate {
            node_id: node,
            entity_id: entity,
            application_update: ApplicationChange::RemoveRecord,
        }];
        let information = [ApplicationInformation {
            application_record_list: ApplicationRecordList::Update(List::new(&update)),
            application_capabilities_list: ApplicationCapabilitiesList::NoChange,
            peer_entities_removed: true,
            ..information
        }];
        let limit = self.config.max_queued_octets;
        let octets = super::encode(&mut self.scratch, limit, &of_applications(&information))?;
        let channel = ChannelId::from(superior);
        self.provider.send_data(node, channel, super::gcc::PRIORITY, false, octets)?;
        self.directory.remove(at);
        Ok(())
    }

    /// Asks nodes, or with none named all of them, to begin with an application protocol
    /// (T.124, GCC-APPLICATION-INVOKE).
    ///
    /// # Errors
    /// [`Error::WrongState`] in no conference, [`Error::Full`] without room for it.
    pub fn invoke_application(
        &mut self,
        session: SessionKey<'_>,
        nodes: &[UserId],
    ) -> Result<(), Error> {
        let entities = [ApplicationInvokeSpecifier {
            session_key: session,
            expected_capability_set: None,
            startup_channel: None,
            mandatory_flag: false,
        }];
        let indication = ApplicationInvokeIndication {
            application_protocol_entity_list: List::new(&entities),
            destination_nodes: (!nodes.is_empty()).then_some(List::new(nodes)),
        };
        self.indicate(None, IndicationPdu::ApplicationInvokeIndication(indication))
    }

    /// The sessions of application protocols that there are, each with its entities and its
    /// collapsed capabilities.
    pub fn applications(&self) -> impl Iterator<Item = ApplicationInformation<'_>> {
        Informations { directory: &self.directory, kind: SESSION, at: 0 }
    }

    fn keep_entity<'c>(
        &mut self,
        (node, entity): (UserId, EntityId),
        session_key: &SessionKey<'_>,
        record: &ApplicationRecord<'_>,
        capabilities: impl Iterator<Item = CapabilityCount<'c>> + Clone,
    ) -> Result<(), Error> {
        let limit = self.config.max_queued_octets;
        let octets = super::encode_with(&mut self.scratch, limit, |writer| {
            head(writer, session_key);
            // An update of one record that is added.
            writer.index(true, 2, 3);
            writer.size(1, 1, 65536);
            node.write(writer);
            entity.write(writer);
            writer.index(true, 0, 3);
            Value::write(record, writer);
            tail(writer, capabilities.clone());
        })?;
        let mark = mark(node, entity);
        if let Some(at) = self.directory.find(mark).map(|record| record.at) {
            self.directory.remove(at);
        }
        self.directory.push(mark, octets)?;
        Ok(())
    }

    /// An entity of this node goes up, or at the top to all.
    fn tell_entity(&mut self, node: UserId, entity: EntityId) -> Result<(), Error> {
        if self.provider.is_top() {
            return self.applications_changed();
        }
        let superior = self.superior.ok_or(Error::WrongState)?;
        let record = self.directory.find(mark(node, entity)).ok_or(Error::Unknown)?;
        let information = [ApplicationInformation::parse(record.octets)?];
        let limit = self.config.max_queued_octets;
        let octets = super::encode(&mut self.scratch, limit, &of_applications(&information))?;
        let channel = ChannelId::from(superior);
        self.provider.send_data(node, channel, super::gcc::PRIORITY, false, octets)?;
        Ok(())
    }

    /// The top makes the sessions anew, and tells all.
    fn applications_changed(&mut self) -> Result<(), Error> {
        self.collapse_all()?;
        self.broadcast_roster()
    }

    fn collapse_all(&mut self) -> Result<(), Error> {
        self.applications_instance = self.applications_instance.wrapping_add(1);
        self.pending.applications = true;
        self.forget_records(SESSION, |_| true);
        let mut number = 0;
        loop {
            let limit = self.config.max_queued_octets;
            let Some(octets) = session_of(&self.directory, number, &mut self.scratch, limit)?
            else {
                return Ok(());
            };
            number += 1;
            if !octets.is_empty() {
                self.directory.push(SESSION, octets)?;
            }
        }
    }

    /// A node below has told of its entities.
    pub(super) fn merge_applications(
        &mut self,
        speaker: UserId,
        update: &RosterUpdateIndication<'_>,
    ) {
        let mut changed = false;
        for information in update.application_information.iter() {
            let ApplicationRecordList::Update(list) = information.application_record_list else {
                continue;
            };
            for (number, update) in list.iter().enumerate() {
                if !self.is_same_side(update.node_id, speaker) {
                    continue;
                }
                changed = true;
                match update.application_update {
                    ApplicationChange::AddRecord(record)
                    | ApplicationChange::ReplaceRecord(record) => {
                        // What several entities can do together is counted with the first.
                        let all = if number == 0 { usize::MAX } else { 0 };
                        let kept = self.keep_entity(
                            (update.node_id, update.entity_id),
                            &information.session_key,
                            &record,
                            capabilities_of(&information).take(all),
                        );
                        self.pending.overrun |= kept.is_err();
                    }
                    ApplicationChange::RemoveRecord => {
                        let mark = mark(update.node_id, update.entity_id);
                        self.forget_records(ENTITY, |other| other == mark);
                    }
                }
            }
        }
        if changed {
            self.pending.overrun |= self.collapse_all().is_err();
        }
    }

    /// The sessions as the top has them.
    pub(super) fn replace_applications(&mut self, update: &RosterUpdateIndication<'_>) {
        if !update.full_refresh {
            return;
        }
        // What others have told is the new top's to know.
        let own = self.node;
        self.forget_records(ENTITY, |mark| node_of(mark) != own);
        let before = self.applications().count();
        self.forget_records(SESSION, |_| true);
        let mut instance = self.applications_instance;
        for information in update.application_information.iter() {
            instance = information.roster_instance_number;
            let limit = self.config.max_queued_octets;
            let Ok(octets) = super::encode(&mut self.scratch, limit, &information) else {
                self.pending.overrun = true;
                continue;
            };
            self.pending.overrun |= self.directory.push(SESSION, octets).is_err();
        }
        let after = self.applications().count();
        if instance != self.applications_instance || before != after {
            self.applications_instance = instance;
            self.pending.applications = true;
        }
    }

    pub(super) fn forget_entities_of(&mut self, node: UserId) {
        if self.forget_records(ENTITY, |mark| node_of(mark) == Some(node)) {
            self.pending.overrun |= self.collapse_all().is_err();
        }
    }

    /// Whether there were any.
    pub(super) fn forget_records(&mut self, kind: u64, which: impl Fn(u64) -> bool) -> bool {
        let mut any = false;
        loop {
            let mut records = self.directory.iter();
            let found = records.find(|record| record.mark & KIND == kind && which(record.mark));
            let Some(at) = found.map(|record| record.at) else { return any };
            drop(records);
            self.directory.remove(at);
            any = true;
        }
    }
}

/// Collapses the session of the entity with this number, if it is the first of its session;
/// nothing behind the last entity.
fn session_of<'r>(
    directory: &Records<'_>,
    number: usize,
    scratch: &'r mut Room<'_, u8>,
    limit: usize,
) -> Result<Option<&'r [u8]>, Error> {
    let entities = || Informations { directory, kind: ENTITY, at: 0 };
    let Some(first) = entities().nth(number) else { return Ok(None) };
    if entities().take(number).any(|earlier| earlier.session_key == first.session_key) {
        return Ok(Some(&[]));
    }
    let of_session = entities().filter(|e| e.session_key == first.session_key);
    let records = of_session.clone().filter_map(|information| update_of(&information));
    let records = records.filter_map(|update| match update.application_update {
        ApplicationChange::AddRecord(record) => Some((update.node_id, update.entity_id, record)),
        _ => None,
    });
    let all = of_session.flat_map(|information| capabilities_of(&information));
    let distinct = all.clone().enumerate().filter(|(at, capability)| {
        let same = |c: &CapabilityCount<'_>| c.capability_id == capability.capability_id;
        !all.clone().take(*at).any(|earlier| same(&earlier))
    });
    let collapsed = distinct.map(|(at, first)| {
        let others = all.clone().skip(at + 1);
        let others = others.filter(|other| other.capability_id == first.capability_id);
        others.fold(first, |sum, other| collapse(sum, &other))
    });
    let octets = super::encode_with(scratch, limit, |writer| {
        head(writer, &first.session_key);
        // A refresh of all records.
        writer.index(true, 1, 3);
        writer.size(records.clone().count(), 0, 65535);
        for (node, entity, record) in records.clone() {
            node.write(writer);
            entity.write(writer);
            Value::write(&record, writer);
        }
        tail(writer, collapsed.clone());
    })?;
    Ok(Some(octets))
}

/// The beginning of an ApplicationInformation: it is written part by part, because what the parts
/// borrow from lives for different times.
fn head(writer: &mut Writer<'_>, session_key: &SessionKey<'_>) {
    writer.bit(false);
    Value::write(session_key, writer);
}

/// The end of it.
fn tail<'c>(
    writer: &mut Writer<'_>,
    capabilities: impl Iterator<Item = CapabilityCount<'c>> + Clone,
) {
    writer.index(true, 1, 2);
    writer.size(capabilities.clone().count(), 0, usize::MAX);
    for capability in capabilities {
        Value::write(&capability, writer);
    }
    0u16.write(writer);
    true.write(writer);
    false.write(writer);
}

/// A roster update that only has applications in it.
fn of_applications<'a>(information: &'a [ApplicationInformation<'a>]) -> GccPdu<'a> {
    GccPdu::Indication(IndicationPdu::RosterUpdateIndication(RosterUpdateIndication {
        full_refresh: false,
        node_information: NodeInformation {
            node_record_list: NodeRecordList::NoChange,
            roster_instance_number: 0,
            nodes_added: false,
            nodes_removed: false,
        },
        application_information: List::new(information),
    }))
}
