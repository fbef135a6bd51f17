//! The multicast adaptation protocol: a codec (T.125 Annex A).

use crate::gcc::types::{H221NonStandardIdentifier, NonStandardParameter};
use crate::per::{List, ObjectIdentifier, Octets, SizedOctets, choice, integer, sequence};

sequence! {
    /// `NonStandardPDU` (T.125 Annex A).
    NonStandardPdu<'a> extensible {
        /// `data`.
        req data: NonStandardParameter<'a>,
    }
}

sequence! {
    /// `VersionNumber` (T.125 Annex A).
    VersionNumber<'a> extensible {
        /// `majorVersionNumber`.
        req major_version_number: u16,
        /// `minorVersionNumber`.
        req minor_version_number: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

integer! {
    /// `Priority` (T.125 Annex A).
    Priority: u8 = 0, 15
}

sequence! {
    /// `PriorityRange` (T.125 Annex A).
    PriorityRange<'a> extensible {
        /// `highPriority`.
        req high_priority: Priority,
        /// `lowPriority`.
        req low_priority: Priority,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPConnectRequestPDU` (T.125 Annex A).
    MapConnectRequestPdu<'a> extensible {
        /// `versionNumber`.
        req version_number: VersionNumber<'a>,
        /// `connectionMAPSAP`.
        req connection_mapsap: u16,
        /// `domainReferenceID`.
        req domain_reference_id: u16,
        /// `priorityRange`.
        req priority_range: PriorityRange<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPConnectConfirmPDU` (T.125 Annex A).
    MapConnectConfirmPdu<'a> extensible {
        /// `versionNumber`.
        req version_number: VersionNumber<'a>,
        /// `connectionMAPSAP`.
        req connection_mapsap: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `Reason` (T.125 Annex A).
    Reason<'a> extensible 8 {
        /// `providerInitiated`.
        0 ProviderInitiated,
        /// `userRejected`.
        1 UserRejected,
        /// `userInitiated`.
        2 UserInitiated,
        /// `invalidMAPSAP`.
        3 InvalidMapsap,
        /// `invalidDomainReferenceID`.
        4 InvalidDomainReferenceId,
        /// `unicastTransition`.
        5 UnicastTransition,
        /// `unspecifiedFailure`.
        6 UnspecifiedFailure,
        /// `nonStandardReason`.
        7 NonStandardReason(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `MAPDisconnectRequestPDU` (T.125 Annex A).
    MapDisconnectRequestPdu<'a> extensible {
        /// `reason`.
        req reason: Reason<'a>,
        /// `confirmRequired`.
        req confirm_required: bool,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPDisconnectConfirmPDU` (T.125 Annex A).
    MapDisconnectConfirmPdu<'a> extensible {
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `TransportProtocolID` (T.125 Annex A).
    TransportProtocolId<'a> extensible 4 {
        /// `objectProtocolID`.
        0 ObjectProtocolId(ObjectIdentifier<'a>),
        /// `h221NonStandardProtocolID`.
        1 H221NonStandardProtocolId(H221NonStandardIdentifier<'a>),
        /// `snapProtocolID`.
        2 SnapProtocolId(SizedOctets<'a, 5, 5>),
        /// `nonStandardProtocolID`.
        3 NonStandardProtocolId(NonStandardParameter<'a>),
    }
}

choice! {
    /// `TransportProtocolType` (T.125 Annex A).
    TransportProtocolType<'a> extensible 5 {
        /// `reliableUnicast`.
        0 ReliableUnicast,
        /// `unreliableUnicast`.
        1 UnreliableUnicast,
        /// `reliableMulticast`.
        2 ReliableMulticast,
        /// `unreliableMulticast`.
        3 UnreliableMulticast,
        /// `nonStandardProtocolType`.
        4 NonStandardProtocolType(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `NetworkAddress` (T.125 Annex A).
    NetworkAddress<'a> extensible {
        /// `nsapAddress`.
        req nsap_address: SizedOctets<'a, 1, 20>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

integer! {
    /// `PayloadSize` (T.125 Annex A).
    PayloadSize: u16 = 128, 65535
}

sequence! {
    /// `TransportProtocolRequestEntry` (T.125 Annex A).
    TransportProtocolRequestEntry<'a> extensible {
        /// `transportProtocolID`.
        req transport_protocol_id: TransportProtocolId<'a>,
        /// `transportProtocolType`.
        req transport_protocol_type: TransportProtocolType<'a>,
        /// `networkAddress`.
        req network_address: NetworkAddress<'a>,
        /// `maximumPayloadFixedFlag`.
        req maximum_payload_fixed_flag: bool,
        /// `maximumPayloadSize`.
        req maximum_payload_size: PayloadSize,
        /// `preferenceWeighting`.
        opt preference_weighting: u16,
        /// `nodeCount`.
        opt node_count: u16,
        /// `numberOfConnections`.
        opt number_of_connections: u16,
        /// `configurationData`.
        opt configuration_data: Octets<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPArbitrateProtocolsRequestPDU` (T.125 Annex A).
    MapArbitrateProtocolsRequestPdu<'a> extensible {
        /// `domainReferenceID`.
        req domain_reference_id: u16,
        /// `moreToComeFlag`.
        req more_to_come_flag: bool,
        /// `transportProtocolMenu`.
        req transport_protocol_menu: List<'a, TransportProtocolRequestEntry<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `TransportProtocolConfirmEntry` (T.125 Annex A).
    TransportProtocolConfirmEntry<'a> extensible {
        /// `transportProtocolID`.
        req transport_protocol_id: TransportProtocolId<'a>,
        /// `transportProtocolType`.
        req transport_protocol_type: TransportProtocolType<'a>,
        /// `networkAddress`.
        req network_address: NetworkAddress<'a>,
        /// `maximumPayloadSize`.
        req maximum_payload_size: PayloadSize,
        /// `preferenceWeighting`.
        opt preference_weighting: u16,
        /// `nodeCount`.
        opt node_count: u16,
        /// `numberOfConnections`.
        opt number_of_connections: u16,
        /// `configurationData`.
        opt configuration_data: Octets<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPArbitrateProtocolsConfirmPDU` (T.125 Annex A).
    MapArbitrateProtocolsConfirmPdu<'a> extensible {
        /// `domainReferenceID`.
        req domain_reference_id: u16,
        /// `moreToComeFlag`.
        req more_to_come_flag: bool,
        /// `transportProtocolMenu`.
        req transport_protocol_menu: List<'a, TransportProtocolConfirmEntry<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

integer! {
    /// `SenderID` (T.125 Annex A).
    SenderId: u16 = 1001, 65535
}

integer! {
    /// `ChannelID` (T.125 Annex A).
    ChannelId: u16 = 1, 65535
}

choice! {
    /// `ReliabilityLevel` (T.125 Annex A).
    ReliabilityLevel<'a> extensible 3 {
        /// `reliable`.
        0 Reliable,
        /// `unreliable`.
        1 Unreliable,
        /// `nonStandardReliabilityLevel`.
        2 NonStandardReliabilityLevel(NonStandardParameter<'a>),
    }
}

choice! {
    /// `DataType` (T.125 Annex A).
    DataType<'a> extensible 4 {
        /// `nonuniform`.
        0 Nonuniform,
        /// `uniform`.
        1 Uniform,
        /// `proxy`.
        2 Proxy,
        /// `nonStandardDataType`.
        3 NonStandardDataType(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `DataFlowIdentifierMetachannelId` (T.125 Annex A).
    DataFlowIdentifierMetachannelId<'a> extensible {
        /// `channelID`.
        req channel_id: ChannelId,
        /// `reliabilityLevel`.
        req reliability_level: ReliabilityLevel<'a>,
        /// `priority`.
        req priority: Priority,
    }
}

sequence! {
    /// `DataFlowIdentifier` (T.125 Annex A).
    DataFlowIdentifier<'a> extensible {
        /// `senderID`.
        opt sender_id: SenderId,
        /// `metachannelID`.
        opt metachannel_id: DataFlowIdentifierMetachannelId<'a>,
        /// `dataType`.
        opt data_type: DataType<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

integer! {
    /// `SequenceNumber` (T.125 Annex A).
    SequenceNumber: u16 = 0, 65535
}

sequence! {
    /// `DataDescriptor` (T.125 Annex A).
    DataDescriptor<'a> extensible {
        /// `unicastForwardFlag`.
        req unicast_forward_flag: bool,
        /// `startingSequenceNumber`.
        req starting_sequence_number: SequenceNumber,
        /// `dataFlowIdentifier`.
        opt data_flow_identifier: DataFlowIdentifier<'a>,
        /// `domainReferenceID`.
        opt domain_reference_id: u16,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `DataFrameEntry` (T.125 Annex A).
    DataFrameEntry<'a> extensible {
        /// `firstSegmentFlag`.
        req first_segment_flag: bool,
        /// `lastSegmentFlag`.
        req last_segment_flag: bool,
        /// `userData`.
        req user_data: Octets<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPDataPDU` (T.125 Annex A).
    MapDataPdu<'a> extensible {
        /// `dataDescriptor`.
        opt data_descriptor: DataDescriptor<'a>,
        /// `dataFrameArray`.
        req data_frame_array: List<'a, DataFrameEntry<'a>>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `Metachannel` (T.125 Annex A).
    Metachannel<'a> extensible {
        /// `channelID`.
        req channel_id: ChannelId,
        /// `reliabilityLevel`.
        req reliability_level: ReliabilityLevel<'a>,
        /// `priorityRange`.
        req priority_range: PriorityRange<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPAddGroupRequestPDU` (T.125 Annex A).
    MapAddGroupRequestPdu<'a> extensible {
        /// `metachannel`.
        req metachannel: Metachannel<'a>,
        /// `transportProtocolID`.
        req transport_protocol_id: TransportProtocolId<'a>,
        /// `multicastGroupAddress`.
        req multicast_group_address: NetworkAddress<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPRemoveGroupRequestPDU` (T.125 Annex A).
    MapRemoveGroupRequestPdu<'a> extensible {
        /// `metachannel`.
        req metachannel: Metachannel<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPDisableUnicastRequestPDU` (T.125 Annex A).
    MapDisableUnicastRequestPdu<'a> extensible {
        /// `dataFlowIdentifier`.
        req data_flow_identifier: DataFlowIdentifier<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPEnableUnicastRequestPDU` (T.125 Annex A).
    MapEnableUnicastRequestPdu<'a> extensible {
        /// `dataFlowIdentifier`.
        req data_flow_identifier: DataFlowIdentifier<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPEnableUnicastConfirmPDU` (T.125 Annex A).
    MapEnableUnicastConfirmPdu<'a> extensible {
        /// `dataFlowIdentifier`.
        req data_flow_identifier: DataFlowIdentifier<'a>,
        /// `sequenceNumber`.
        req sequence_number: SequenceNumber,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPDisableMulticastRequestPDU` (T.125 Annex A).
    MapDisableMulticastRequestPdu<'a> extensible {
        /// `metachannel`.
        req metachannel: Metachannel<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPDisableMulticastConfirmPDU` (T.125 Annex A).
    MapDisableMulticastConfirmPdu<'a> extensible {
        /// `metachannel`.
        req metachannel: Metachannel<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPEnableMulticastRequestPDU` (T.125 Annex A).
    MapEnableMulticastRequestPdu<'a> extensible {
        /// `metachannel`.
        req metachannel: Metachannel<'a>,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

sequence! {
    /// `MAPSequenceNumberPDU` (T.125 Annex A).
    MapSequenceNumberPdu<'a> extensible {
        /// `dataFlowIdentifier`.
        req data_flow_identifier: DataFlowIdentifier<'a>,
        /// `sequenceNumber`.
        req sequence_number: SequenceNumber,
        /// `nonStandardParameters`.
        opt non_standard_parameters: List<'a, NonStandardParameter<'a>>,
    }
}

choice! {
    /// `MAPPDU` (T.125 Annex A).
    MapPdu<'a> extensible 17 {
        /// `mapConnectRequest`.
        0 MapConnectRequest(MapConnectRequestPdu<'a>),
        /// `mapConnectConfirm`.
        1 MapConnectConfirm(MapConnectConfirmPdu<'a>),
        /// `mapDisconnectRequest`.
        2 MapDisconnectRequest(MapDisconnectRequestPdu<'a>),
        /// `mapDisconnectConfirm`.
        3 MapDisconnectConfirm(MapDisconnectConfirmPdu<'a>),
        /// `mapArbitrateProtocolsRequest`.
        4 MapArbitrateProtocolsRequest(MapArbitrateProtocolsRequestPdu<'a>),
        /// `mapArbitrateProtocolsConfirm`.
        5 MapArbitrateProtocolsConfirm(MapArbitrateProtocolsConfirmPdu<'a>),
        /// `mapData`.
        6 MapData(MapDataPdu<'a>),
        /// `mapAddGroupRequest`.
        7 MapAddGroupRequest(MapAddGroupRequestPdu<'a>),
        /// `mapRemoveGroupRequest`.
        8 MapRemoveGroupRequest(MapRemoveGroupRequestPdu<'a>),
        /// `mapDisableUnicastRequest`.
        9 MapDisableUnicastRequest(MapDisableUnicastRequestPdu<'a>),
        /// `mapEnableUnicastRequest`.
        10 MapEnableUnicastRequest(MapEnableUnicastRequestPdu<'a>),
        /// `mapEnableUnicastConfirm`.
        11 MapEnableUnicastConfirm(MapEnableUnicastConfirmPdu<'a>),
        /// `mapDisableMulticastRequest`.
        12 MapDisableMulticastRequest(MapDisableMulticastRequestPdu<'a>),
        /// `mapDisableMulticastConfirm`.
        13 MapDisableMulticastConfirm(MapDisableMulticastConfirmPdu<'a>),
        /// `mapEnableMulticastRequest`.
        14 MapEnableMulticastRequest(MapEnableMulticastRequestPdu<'a>),
        /// `mapSequenceNumber`.
        15 MapSequenceNumber(MapSequenceNumberPdu<'a>),
        /// `nonStandardPDU`.
        16 NonStandardPdu(NonStandardPdu<'a>),
    }
}
