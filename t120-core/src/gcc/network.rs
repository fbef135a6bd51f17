//! Addresses in networks and the profiles used over them (T.124, GCC-PROTOCOL part 1).

use super::types::{DiallingString, ExtraDiallingString, NonStandardParameter, SubAddressString};
use crate::per::{Int, List, Octets, SizedOctets, Unsigned, choice, sequence};

sequence! {
    /// `TransferModes` (T.124, GCC-PROTOCOL).
    TransferModes extensible {
        /// `speech`.
        req speech: bool,
        /// `voice-band`.
        req voice_band: bool,
        /// `digital-56k`.
        req digital_56k: bool,
        /// `digital-64k`.
        req digital_64k: bool,
        /// `digital-128k`.
        req digital_128k: bool,
        /// `digital-192k`.
        req digital_192k: bool,
        /// `digital-256k`.
        req digital_256k: bool,
        /// `digital-320k`.
        req digital_320k: bool,
        /// `digital-384k`.
        req digital_384k: bool,
        /// `digital-512k`.
        req digital_512k: bool,
        /// `digital-768k`.
        req digital_768k: bool,
        /// `digital-1152k`.
        req digital_1152k: bool,
        /// `digital-1472k`.
        req digital_1472k: bool,
        /// `digital-1536k`.
        req digital_1536k: bool,
        /// `digital-1920k`.
        req digital_1920k: bool,
        /// `packet-mode`.
        req packet_mode: bool,
        /// `frame-mode`.
        req frame_mode: bool,
        /// `atm`.
        req atm: bool,
    }
}

sequence! {
    /// `HighLayerCompatibility` (T.124, GCC-PROTOCOL).
    HighLayerCompatibility extensible {
        /// `telephony3kHz`.
        req telephony3k_hz: bool,
        /// `telephony7kHz`.
        req telephony7k_hz: bool,
        /// `videotelephony`.
        req videotelephony: bool,
        /// `videoconference`.
        req videoconference: bool,
        /// `audiographic`.
        req audiographic: bool,
        /// `audiovisual`.
        req audiovisual: bool,
        /// `multimedia`.
        req multimedia: bool,
    }
}

sequence! {
    /// `AggregatedChannel` (T.124, GCC-PROTOCOL).
    AggregatedChannel<'a> extensible {
        /// `transferModes`.
        req transfer_modes: TransferModes,
        /// `internationalNumber`.
        req international_number: DiallingString<'a>,
        /// `subAddress`.
        opt sub_address: SubAddressString<'a>,
        /// `extraDialling`.
        opt extra_dialling: ExtraDiallingString<'a>,
        /// `highLayerCompatibility`.
        opt high_layer_compatibility: HighLayerCompatibility,
    }
}

sequence! {
    /// `TransportConnection` (T.124, GCC-PROTOCOL).
    TransportConnection<'a> closed {
        /// `nsapAddress`.
        req nsap_address: SizedOctets<'a, 1, 20>,
        /// `transportSelector`.
        opt transport_selector: Octets<'a>,
    }
}

choice! {
    /// `NetworkAddressItem` (T.124, GCC-PROTOCOL).
    NetworkAddressItem<'a> extensible 3 {
        /// `aggregatedChannel`.
        0 AggregatedChannel(AggregatedChannel<'a>),
        /// `transportConnection`.
        1 TransportConnection(TransportConnection<'a>),
        /// `nonStandard`.
        2 NonStandard(NonStandardParameter<'a>),
    }
}

/// `NetworkAddress` (T.124, GCC-PROTOCOL).
pub type NetworkAddress<'a> = List<'a, NetworkAddressItem<'a>, 1, 64>;

sequence! {
    /// `MediaList` (T.124, GCC-PROTOCOL).
    MediaList extensible {
        /// `audio`.
        req audio: bool,
        /// `video`.
        req video: bool,
        /// `data`.
        req data: bool,
    }
}

choice! {
    /// `ChannelAggregationMethod` (T.124, GCC-PROTOCOL).
    ChannelAggregationMethod<'a> extensible 4 {
        /// `h221`.
        0 H221,
        /// `h244`.
        1 H244,
        /// `iso-iec-13871`.
        2 IsoIec13871,
        /// `nonStandard`.
        3 NonStandard(NonStandardParameter<'a>),
    }
}

choice! {
    /// `SimpleProfile` (T.124, GCC-PROTOCOL).
    SimpleProfile closed 8 {
        /// `speech`.
        0 Speech,
        /// `telephony-3kHz`.
        1 Telephony3kHz,
        /// `telephony-7kHz`.
        2 Telephony7kHz,
        /// `voice-band`.
        3 VoiceBand,
        /// `frameRelay`.
        4 FrameRelay,
        /// `t123-pstn-basic`.
        5 T123PstnBasic,
        /// `t123-psdn-basic`.
        6 T123PsdnBasic,
        /// `t123-b-isdn-basic`.
        7 T123BIsdnBasic,
    }
}

choice! {
    /// `MultimediaProfileKind` (T.124, GCC-PROTOCOL).
    MultimediaProfileKind closed 9 {
        /// `h310`.
        0 H310,
        /// `h320`.
        1 H320,
        /// `h321`.
        2 H321,
        /// `h322`.
        3 H322,
        /// `h323`.
        4 H323,
        /// `h324`.
        5 H324,
        /// `h324m`.
        6 H324m,
        /// `asvd`.
        7 Asvd,
        /// `dsvd`.
        8 Dsvd,
    }
}

sequence! {
    /// `MultimediaProfile` (T.124, GCC-PROTOCOL).
    MultimediaProfile closed {
        /// `profile`.
        req profile: MultimediaProfileKind,
        /// `t120Data`.
        req t120_data: bool,
    }
}

choice! {
    /// `Profile` (T.124, GCC-PROTOCOL).
    Profile<'a> extensible 4 {
        /// `simpleProfile`.
        0 SimpleProfile(SimpleProfile),
        /// `multimediaProfile`.
        1 MultimediaProfile(MultimediaProfile),
        /// `dsmccDownloadProfile`.
        2 DsmccDownloadProfile,
        /// `nonStandard`.
        3 NonStandard(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `ExtendedE164NetworkAddress` (T.124, GCC-PROTOCOL).
    ExtendedE164NetworkAddress<'a> extensible {
        /// `internationalNumber`.
        req international_number: DiallingString<'a>,
        /// `subAddress`.
        opt sub_address: SubAddressString<'a>,
        /// `extraDialling`.
        opt extra_dialling: ExtraDiallingString<'a>,
    }
}

sequence! {
    /// `TransportAddress` (T.124, GCC-PROTOCOL).
    TransportAddress<'a> closed {
        /// `nsapAddress`.
        req nsap_address: SizedOctets<'a, 1, 20>,
        /// `transportSelector`.
        opt transport_selector: Octets<'a>,
    }
}

sequence! {
    /// `GSTNConnection` (T.124, GCC-PROTOCOL).
    GstnConnection<'a> extensible {
        /// `networkAddress`.
        req network_address: ExtendedE164NetworkAddress<'a>,
    }
}

choice! {
    /// `IsdnCircuitType` (T.124, GCC-PROTOCOL).
    IsdnCircuitType closed 6 {
        /// `digital-64k`.
        0 Digital64k,
        /// `digital-2x64k`.
        1 Digital2x64k,
        /// `digital-384k`.
        2 Digital384k,
        /// `digital-1536`.
        3 Digital1536,
        /// `digital-1920k`.
        4 Digital1920k,
        /// `multirate-base-64k`.
        5 MultirateBase64k(Int<1, 30>),
    }
}

sequence! {
    /// `IsdnHighLayerCompatibility` (T.124, GCC-PROTOCOL).
    IsdnHighLayerCompatibility extensible {
        /// `telephony3kHz`.
        req telephony3k_hz: bool,
        /// `telephony7kHz`.
        req telephony7k_hz: bool,
        /// `videotelephony`.
        req videotelephony: bool,
        /// `videoconference`.
        req videoconference: bool,
        /// `audiographic`.
        req audiographic: bool,
        /// `audiovisual`.
        req audiovisual: bool,
        /// `multimedia`.
        req multimedia: bool,
    }
}

sequence! {
    /// `ISDNConnection` (T.124, GCC-PROTOCOL).
    IsdnConnection<'a> extensible {
        /// `circuitTypes`.
        req circuit_types: List<'a, IsdnCircuitType>,
        /// `networkAddress`.
        req network_address: ExtendedE164NetworkAddress<'a>,
        /// `highLayerCompatibility`.
        opt high_layer_compatibility: IsdnHighLayerCompatibility,
    }
}

choice! {
    /// `CsdnCircuitType` (T.124, GCC-PROTOCOL).
    CsdnCircuitType closed 2 {
        /// `digital-56k`.
        0 Digital56k,
        /// `digital-64k`.
        1 Digital64k,
    }
}

sequence! {
    /// `CSDNConnection` (T.124, GCC-PROTOCOL).
    CsdnConnection<'a> extensible {
        /// `circuitTypes`.
        req circuit_types: List<'a, CsdnCircuitType>,
        /// `networkAddress`.
        req network_address: ExtendedE164NetworkAddress<'a>,
    }
}

choice! {
    /// `PsdnConnectionNetworkAddress` (T.124, GCC-PROTOCOL).
    PsdnConnectionNetworkAddress<'a> closed 3 {
        /// `extendedE164NetworkAddress`.
        0 ExtendedE164NetworkAddress(ExtendedE164NetworkAddress<'a>),
        /// `transportAddress`.
        1 TransportAddress(TransportAddress<'a>),
        /// `nonStandard`.
        2 NonStandard(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `PSDNConnection` (T.124, GCC-PROTOCOL).
    PsdnConnection<'a> extensible {
        /// `networkAddress`.
        req network_address: PsdnConnectionNetworkAddress<'a>,
    }
}

choice! {
    /// `AtmConnectionNetworkAddress` (T.124, GCC-PROTOCOL).
    AtmConnectionNetworkAddress<'a> closed 3 {
        /// `extendedE164`.
        0 ExtendedE164(ExtendedE164NetworkAddress<'a>),
        /// `nsapAddress`.
        1 NsapAddress(TransportAddress<'a>),
        /// `nonStandard`.
        2 NonStandard(NonStandardParameter<'a>),
    }
}

sequence! {
    /// `ATMConnection` (T.124, GCC-PROTOCOL).
    AtmConnection<'a> extensible {
        /// `networkAddress`.
        req network_address: AtmConnectionNetworkAddress<'a>,
        /// `maxTransferRate`.
        opt max_transfer_rate: Unsigned,
    }
}

choice! {
    /// `NetworkConnection` (T.124, GCC-PROTOCOL).
    NetworkConnection<'a> extensible 8 {
        /// `gstnConnection`.
        0 GstnConnection(GstnConnection<'a>),
        /// `isdnConnection`.
        1 IsdnConnection(IsdnConnection<'a>),
        /// `csdnConnection`.
        2 CsdnConnection(CsdnConnection<'a>),
        /// `psdnConnection`.
        3 PsdnConnection(PsdnConnection<'a>),
        /// `atmConnection`.
        4 AtmConnection(AtmConnection<'a>),
        /// `extendedE164NetworkAddress`.
        5 ExtendedE164NetworkAddress(ExtendedE164NetworkAddress<'a>),
        /// `transportAddress`.
        6 TransportAddress(TransportAddress<'a>),
        /// `nonStandard`.
        7 NonStandard(NonStandardParameter<'a>),
    }
}

choice! {
    /// `AggregatedConnection` (T.124, GCC-PROTOCOL).
    AggregatedConnection<'a> extensible 2 {
        /// `isdnConnection`.
        0 IsdnConnection(IsdnConnection<'a>),
        /// `csdnConnection`.
        1 CsdnConnection(CsdnConnection<'a>),
    }
}

sequence! {
    /// `AggregatedConnections` (T.124, GCC-PROTOCOL).
    AggregatedConnections<'a> extensible {
        /// `connectionList`.
        req connection_list: List<'a, AggregatedConnection<'a>, 1, 30>,
        /// `aggregationMethods`.
        opt aggregation_methods: List<'a, ChannelAggregationMethod<'a>>,
    }
}

choice! {
    /// `NetworkConnectionV2` (T.124, GCC-PROTOCOL).
    NetworkConnectionV2<'a> closed 2 {
        /// `singleConnection`.
        0 SingleConnection(NetworkConnection<'a>),
        /// `aggregatedConnections`.
        1 AggregatedConnections(AggregatedConnections<'a>),
    }
}

sequence! {
    /// `NetworkAddressV2Item` (T.124, GCC-PROTOCOL).
    NetworkAddressV2Item<'a> extensible {
        /// `networkConnection`.
        req network_connection: NetworkConnectionV2<'a>,
        /// `profiles`.
        opt profiles: List<'a, Profile<'a>>,
        /// `mediaConcerned`.
        opt media_concerned: MediaList,
    }
}

/// `NetworkAddressV2` (T.124, GCC-PROTOCOL).
pub type NetworkAddressV2<'a> = List<'a, NetworkAddressV2Item<'a>>;
