//! The PDUs of the application registry (T.124, GCC-PROTOCOL part 2).

use super::types::{DynamicChannelId, DynamicTokenId, EntityId, Handle, SessionKey};
use crate::mcs::UserId;
use crate::per::{Int, SizedOctets, choice, enumerated, sequence};

sequence! {
    /// `RegistryKey` (T.124, GCC-PROTOCOL).
    RegistryKey<'a> closed {
        /// `sessionKey`.
        req session_key: SessionKey<'a>,
        /// `resourceID`.
        req resource_id: SizedOctets<'a, 0, 64>,
    }
}

choice! {
    /// `RegistryItem` (T.124, GCC-PROTOCOL).
    RegistryItem<'a> extensible 4 {
        /// `channelID`.
        0 ChannelId(DynamicChannelId),
        /// `tokenID`.
        1 TokenId(DynamicTokenId),
        /// `parameter`.
        2 Parameter(SizedOctets<'a, 0, 64>),
        /// `vacant`.
        3 Vacant,
    }
}

sequence! {
    /// `RegistryEntryOwnerOwned` (T.124, GCC-PROTOCOL).
    RegistryEntryOwnerOwned closed {
        /// `nodeID`.
        req node_id: UserId,
        /// `entityID`.
        req entity_id: EntityId,
    }
}

choice! {
    /// `RegistryEntryOwner` (T.124, GCC-PROTOCOL).
    RegistryEntryOwner closed 2 {
        /// `owned`.
        0 Owned(RegistryEntryOwnerOwned),
        /// `notOwned`.
        1 NotOwned,
    }
}

enumerated! {
    /// `RegistryModificationRights` (T.124, GCC-PROTOCOL).
    RegistryModificationRights closed 3 {
        /// `owner`.
        0 Owner,
        /// `session`.
        1 Session,
        /// `public`.
        2 Public,
    }
}

sequence! {
    /// `RegistryRegisterChannelRequest` (T.124, GCC-PROTOCOL).
    RegistryRegisterChannelRequest<'a> extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `key`.
        req key: RegistryKey<'a>,
        /// `channelID`.
        req channel_id: DynamicChannelId,
    }
}

sequence! {
    /// `RegistryAssignTokenRequest` (T.124, GCC-PROTOCOL).
    RegistryAssignTokenRequest<'a> extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `key`.
        req key: RegistryKey<'a>,
    }
}

sequence! {
    /// `RegistrySetParameterRequest` (T.124, GCC-PROTOCOL).
    RegistrySetParameterRequest<'a> extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `key`.
        req key: RegistryKey<'a>,
        /// `parameter`.
        req parameter: SizedOctets<'a, 0, 64>,
        /// `modificationRights`.
        opt modification_rights: RegistryModificationRights,
    }
}

sequence! {
    /// `RegistryRetrieveEntryRequest` (T.124, GCC-PROTOCOL).
    RegistryRetrieveEntryRequest<'a> extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `key`.
        req key: RegistryKey<'a>,
    }
}

sequence! {
    /// `RegistryDeleteEntryRequest` (T.124, GCC-PROTOCOL).
    RegistryDeleteEntryRequest<'a> extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `key`.
        req key: RegistryKey<'a>,
    }
}

sequence! {
    /// `RegistryMonitorEntryRequest` (T.124, GCC-PROTOCOL).
    RegistryMonitorEntryRequest<'a> extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `key`.
        req key: RegistryKey<'a>,
    }
}

sequence! {
    /// `RegistryMonitorEntryIndication` (T.124, GCC-PROTOCOL).
    RegistryMonitorEntryIndication<'a> extensible {
        /// `key`.
        req key: RegistryKey<'a>,
        /// `item`.
        req item: RegistryItem<'a>,
        /// `owner`.
        req owner: RegistryEntryOwner,
        /// `modificationRights`.
        opt modification_rights: RegistryModificationRights,
    }
}

sequence! {
    /// `RegistryAllocateHandleRequest` (T.124, GCC-PROTOCOL).
    RegistryAllocateHandleRequest extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `numberOfHandles`.
        req number_of_handles: Int<1, 1024>,
    }
}

enumerated! {
    /// `AllocateHandleResult` (T.124, GCC-PROTOCOL).
    AllocateHandleResult extensible 2 {
        /// `successful`.
        0 Successful,
        /// `noHandlesAvailable`.
        1 NoHandlesAvailable,
    }
}

sequence! {
    /// `RegistryAllocateHandleResponse` (T.124, GCC-PROTOCOL).
    RegistryAllocateHandleResponse extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `numberOfHandles`.
        req number_of_handles: Int<1, 1024>,
        /// `firstHandle`.
        req first_handle: Handle,
        /// `result`.
        req result: AllocateHandleResult,
    }
}

enumerated! {
    /// `RegistryPrimitive` (T.124, GCC-PROTOCOL).
    RegistryPrimitive extensible 6 {
        /// `registerChannel`.
        0 RegisterChannel,
        /// `assignToken`.
        1 AssignToken,
        /// `setParameter`.
        2 SetParameter,
        /// `retrieveEntry`.
        3 RetrieveEntry,
        /// `deleteEntry`.
        4 DeleteEntry,
        /// `monitorEntry`.
        5 MonitorEntry,
    }
}

enumerated! {
    /// `RegistryResult` (T.124, GCC-PROTOCOL).
    RegistryResult extensible 7 {
        /// `successful`.
        0 Successful,
        /// `belongsToOther`.
        1 BelongsToOther,
        /// `tooManyEntries`.
        2 TooManyEntries,
        /// `inconsistentType`.
        3 InconsistentType,
        /// `entryNotFound`.
        4 EntryNotFound,
        /// `entryAlreadyExists`.
        5 EntryAlreadyExists,
        /// `invalidRequester`.
        6 InvalidRequester,
    }
}

sequence! {
    /// `RegistryResponse` (T.124, GCC-PROTOCOL).
    RegistryResponse<'a> extensible {
        /// `entityID`.
        req entity_id: EntityId,
        /// `primitiveType`.
        req primitive_type: RegistryPrimitive,
        /// `key`.
        req key: RegistryKey<'a>,
        /// `item`.
        req item: RegistryItem<'a>,
        /// `owner`.
        req owner: RegistryEntryOwner,
        /// `modificationRights`.
        opt modification_rights: RegistryModificationRights,
        /// `result`.
        req result: RegistryResult,
    }
}
