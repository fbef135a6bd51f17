//! The PDUs of the conference and application rosters (T.124, GCC-PROTOCOL part 2).

use super::types::{
    ApplicationRecord, CapabilityClass, CapabilityId, EntityId, Key, NodeCategory, NodeRecord,
    NonStandardParameter, SessionKey,
};
use crate::mcs::UserId;
use crate::per::{Int, List, choice, sequence};

sequence! {
    /// `NodeRefresh` (T.124, GCC-PROTOCOL).
    NodeRefresh<'a> closed {
        /// `nodeID`.
        req node_id: UserId,
        /// `nodeRecord`.
        req node_record: NodeRecord<'a>,
    }
}

choice! {
    /// `NodeChange` (T.124, GCC-PROTOCOL).
    NodeChange<'a> extensible 3 {
        /// `addRecord`.
        0 AddRecord(NodeRecord<'a>),
        /// `replaceRecord`.
        1 ReplaceRecord(NodeRecord<'a>),
        /// `removeRecord`.
        2 RemoveRecord,
    }
}

sequence! {
    /// `NodeUpdate` (T.124, GCC-PROTOCOL).
    NodeUpdate<'a> closed {
        /// `nodeID`.
        req node_id: UserId,
        /// `nodeUpdate`.
        req node_update: NodeChange<'a>,
    }
}

choice! {
    /// `NodeRecordList` (T.124, GCC-PROTOCOL).
    NodeRecordList<'a> extensible 3 {
        /// `noChange`.
        0 NoChange,
        /// `refresh`.
        1 Refresh(List<'a, NodeRefresh<'a>, 1, 65536>),
        /// `update`.
        2 Update(List<'a, NodeUpdate<'a>, 1, 65536>),
    }
}

sequence! {
    /// `NodeInformation` (T.124, GCC-PROTOCOL).
    NodeInformation<'a> extensible {
        /// `nodeRecordList`.
        req node_record_list: NodeRecordList<'a>,
        /// `rosterInstanceNumber`.
        req roster_instance_number: u16,
        /// `nodesAdded`.
        req nodes_added: bool,
        /// `nodesRemoved`.
        req nodes_removed: bool,
    }
}

sequence! {
    /// `ApplicationRefresh` (T.124, GCC-PROTOCOL).
    ApplicationRefresh<'a> closed {
        /// `nodeID`.
        req node_id: UserId,
        /// `entityID`.
        req entity_id: EntityId,
        /// `applicationRecord`.
        req application_record: ApplicationRecord<'a>,
    }
}

choice! {
    /// `ApplicationChange` (T.124, GCC-PROTOCOL).
    ApplicationChange<'a> extensible 3 {
        /// `addRecord`.
        0 AddRecord(ApplicationRecord<'a>),
        /// `replaceRecord`.
        1 ReplaceRecord(ApplicationRecord<'a>),
        /// `removeRecord`.
        2 RemoveRecord,
    }
}

sequence! {
    /// `ApplicationUpdate` (T.124, GCC-PROTOCOL).
    ApplicationUpdate<'a> closed {
        /// `nodeID`.
        req node_id: UserId,
        /// `entityID`.
        req entity_id: EntityId,
        /// `applicationUpdate`.
        req application_update: ApplicationChange<'a>,
    }
}

choice! {
    /// `ApplicationRecordList` (T.124, GCC-PROTOCOL).
    ApplicationRecordList<'a> extensible 3 {
        /// `noChange`.
        0 NoChange,
        /// `refresh`.
        1 Refresh(List<'a, ApplicationRefresh<'a>, 0, 65535>),
        /// `update`.
        2 Update(List<'a, ApplicationUpdate<'a>, 1, 65536>),
    }
}

sequence! {
    /// `CapabilityCount` (T.124, GCC-PROTOCOL).
    CapabilityCount<'a> extensible {
        /// `capabilityID`.
        req capability_id: CapabilityId<'a>,
        /// `capabilityClass`.
        req capability_class: CapabilityClass,
        /// `numberOfEntities`.
        req number_of_entities: Int<1, 65536>,
    }
}

choice! {
    /// `ApplicationCapabilitiesList` (T.124, GCC-PROTOCOL).
    ApplicationCapabilitiesList<'a> extensible 2 {
        /// `noChange`.
        0 NoChange,
        /// `refresh`.
        1 Refresh(List<'a, CapabilityCount<'a>>),
    }
}

sequence! {
    /// `ApplicationInformation` (T.124, GCC-PROTOCOL).
    ApplicationInformation<'a> extensible {
        /// `sessionKey`.
        req session_key: SessionKey<'a>,
        /// `applicationRecordList`.
        req application_record_list: ApplicationRecordList<'a>,
        /// `applicationCapabilitiesList`.
        req application_capabilities_list: ApplicationCapabilitiesList<'a>,
        /// `rosterInstanceNumber`.
        req roster_instance_number: u16,
        /// `peerEntitiesAdded`.
        req peer_entities_added: bool,
        /// `peerEntitiesRemoved`.
        req peer_entities_removed: bool,
    }
}

sequence! {
    /// `RosterUpdateIndication` (T.124, GCC-PROTOCOL).
    RosterUpdateIndication<'a> extensible {
        /// `fullRefresh`.
        req full_refresh: bool,
        /// `nodeInformation`.
        req node_information: NodeInformation<'a>,
        /// `applicationInformation`.
        req application_information: List<'a, ApplicationInformation<'a>, 0, 65535>,
    }
}

sequence! {
    /// `RefreshApplication` (T.124, GCC-PROTOCOL).
    RefreshApplication<'a> extensible {
        /// `applicationProtocolKey`.
        req application_protocol_key: Key<'a>,
        /// `nonStandardParameter`.
        opt non_standard_parameter: NonStandardParameter<'a>,
    }
}

sequence! {
    /// `RefreshApplications` (T.124, GCC-PROTOCOL).
    RefreshApplications<'a> extensible {
        /// `applicationKeyList`.
        req application_key_list: List<'a, RefreshApplication<'a>>,
        /// `nonStandardParameter`.
        opt non_standard_parameter: NonStandardParameter<'a>,
    }
}

sequence! {
    /// `RefreshSession` (T.124, GCC-PROTOCOL).
    RefreshSession<'a> extensible {
        /// `sessionKey`.
        req session_key: SessionKey<'a>,
        /// `nonStandardParameter`.
        opt non_standard_parameter: NonStandardParameter<'a>,
    }
}

sequence! {
    /// `RefreshSessions` (T.124, GCC-PROTOCOL).
    RefreshSessions<'a> extensible {
        /// `sessionKeyList`.
        req session_key_list: List<'a, RefreshSession<'a>>,
        /// `nonStandardParameter`.
        opt non_standard_parameter: NonStandardParameter<'a>,
    }
}

sequence! {
    /// `RosterRefreshRequest` (T.124, GCC-PROTOCOL).
    RosterRefreshRequest<'a> extensible {
        /// `nodeID`.
        req node_id: UserId,
        /// `nodeCategory`.
        req node_category: NodeCategory<'a>,
        /// `fullRefresh`.
        req full_refresh: bool,
        /// `sendConferenceRoster`.
        opt send_conference_roster: bool,
        /// `applicationList`.
        opt application_list: RefreshApplications<'a>,
        /// `sessionList`.
        opt session_list: RefreshSessions<'a>,
        /// `nonStandardParameter`.
        opt non_standard_parameter: NonStandardParameter<'a>,
    }
}
