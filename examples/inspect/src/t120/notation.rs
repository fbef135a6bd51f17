//! A tree in the notation of the standards' ASN.1, as JSON.
//!
//! An octet string is `{"octets": hexadecimal}`, a bit string `{"bits": binary}`, an alternative of
//! a CHOICE `{"choice": name, "value": value}`, an item of an ENUMERATED its name, NULL null;
//! components that are absent are left out.

use serde_json::{Map, Value, json};

use super::tree::Tree;

/// Whose words the names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Module {
    /// T.125, version 2.
    Domain,
    /// T.125, the domain PDUs of version 3, where what was ENUMERATED is a CHOICE of NULLs.
    Domain3,
    /// T.124.
    Gcc,
    /// T.128.
    Sharing,
}

/// Numbers and octets that have a type of their own.
const WRAPPERS: &[&str] = &[
    "AssignedChannelId",
    "ChannelId",
    "Coordinate16",
    "Coordinate8",
    "DynamicChannelId",
    "DynamicTokenId",
    "EntityId",
    "Handle",
    "Int",
    "Integer",
    "Integer12",
    "PrivateChannelId",
    "Rop2",
    "Rop3",
    "Signed16",
    "StaticChannelId",
    "StaticTokenId",
    "Time",
    "TokenId",
    "Unsigned",
    "UserId",
];

/// Alternatives of CHOICEs that hold nothing. In version 3 of T.125 all such names are.
const EMPTY_ALTERNATIVES: &[&str] = &[
    "AddRecord",
    "AllCodePoints",
    "Always",
    "Anonymous",
    "AnonymousOnly",
    "Asvd",
    "Backward",
    "CalledNode",
    "CallingNode",
    "ColorSpaceDefault",
    "Confirm",
    "Conventional",
    "ConventionalControl",
    "ConventionalOnly",
    "CoreCodePoints",
    "Counted",
    "CountedOnly",
    "Cross",
    "DashDot",
    "DashDotDot",
    "Dashed",
    "Default",
    "DesktopRestore",
    "DesktopSave",
    "Diagonal",
    "Digital1536",
    "Digital1920k",
    "Digital2x64k",
    "Digital384k",
    "Digital56k",
    "Digital64k",
    "Dotted",
    "DsmccDownloadProfile",
    "Dsvd",
    "Forward",
    "FrameRelay",
    "H221",
    "H244",
    "H310",
    "H320",
    "H321",
    "H322",
    "H323",
    "H324",
    "H324m",
    "Hatched",
    "Horizontal",
    "IncorrectPassword",
    "IsoIec13871",
    "Logical",
    "Never",
    "NoChange",
    "NotOwned",
    "Null",
    "Opaque",
    "PasswordInTheClear",
    "Pattern",
    "RemoteShareInOperationIncoming",
    "RemoteShareInOperationOutgoing",
    "RemoteShareNotEnabled",
    "RemoveRecord",
    "Solid",
    "Speech",
    "T123BIsdnBasic",
    "T123PsdnBasic",
    "T123PstnBasic",
    "Telephony3kHz",
    "Telephony7kHz",
    "Transparent",
    "UnrestrictedMode",
    "Vacant",
    "Vertical",
    "VoiceBand",
];

/// Names that the rules below would not give.
const NAMES: &[(&str, &str)] = &[
    ("AnonymousOnly", "anonymous-only"),
    ("ColorSpaceRgb", "colorSpaceRGB"),
    ("ConventionalControl", "conventional-control"),
    ("ConventionalOnly", "conventional-only"),
    ("CountedOnly", "counted-only"),
    ("DashDot", "dash-dot"),
    ("DashDotDot", "dash-dot-dot"),
    ("Digital1536", "digital-1536"),
    ("Digital1920k", "digital-1920k"),
    ("Digital2x64k", "digital-2x64k"),
    ("Digital384k", "digital-384k"),
    ("Digital56k", "digital-56k"),
    ("Digital64k", "digital-64k"),
    ("DynamicUserId", "dynamicUserId"),
    ("GeneralRgbParameters", "generalRGBParameters"),
    ("H243NodeId", "h243NodeID"),
    ("IsoIec13871", "iso-iec-13871"),
    ("MultirateBase64k", "multirate-base-64k"),
    ("NonStandardMode", "non-standard-mode"),
    ("NonStandardRgbSpace", "nonStandardRGBSpace"),
    ("NonstandardId", "nonstandardID"),
    ("PaletteRgb", "paletteRGB"),
    ("PredefinedRgbSpace", "predefinedRGBSpace"),
    ("RejectMcsPduUltimatum", "rejectMCSPDUUltimatum"),
    ("StandardId", "standardID"),
    ("T123BIsdnBasic", "t123-b-isdn-basic"),
    ("T123PsdnBasic", "t123-psdn-basic"),
    ("T123PstnBasic", "t123-pstn-basic"),
    ("Telephony3kHz", "telephony-3kHz"),
    ("Telephony7kHz", "telephony-7kHz"),
    ("UnrestrictedMode", "unrestricted-mode"),
    ("UserIdIndication", "userIDIndication"),
    ("VoiceBand", "voice-band"),
    ("adding_mcu", "addingMCU"),
    // The standard's own spelling.
    ("application_protocol_entity_list", "applicationProtocolEntiyList"),
    ("cache_id", "cacheId"),
    ("capability_id", "capabilityID"),
    ("connect_pdu", "connectPDU"),
    ("domain_reference_id", "domainReferenceID"),
    ("frame_mode", "frame-mode"),
    ("packet_mode", "packet-mode"),
    ("voice_band", "voice-band"),
];

/// The value in the notation.
pub(super) fn value(tree: &Tree, module: Module) -> Value {
    convert(tree, module, "")
}

/// The name of an item of an ENUMERATED that stands in the component `field`.
pub(super) fn item(name: &str, module: Module, field: &str) -> String {
    alternative(name, module, field)
}

/// `field` is the component that the value stands in.
fn convert(tree: &Tree, module: Module, field: &str) -> Value {
    match tree {
        Tree::Number(digits) => match digits.parse::<i64>() {
            Ok(number) => number.into(),
            // An object identifier, or a number beyond 63 bits.
            Err(_) => digits.parse::<u64>().map_or_else(|_| digits.clone().into(), Value::from),
        },
        Tree::Text(text) => text.clone().into(),
        Tree::Octets(digits) => json!({ "octets": digits }),
        Tree::List(items) => items.iter().map(|item| convert(item, module, field)).collect(),
        Tree::Struct(name, fields) => components(name, fields, module),
        Tree::Tuple(name, values) => match values.as_slice() {
            [inner] if name == "Some" => convert(inner, module, field),
            [inner @ Tree::Number(_)] if WRAPPERS.contains(&name.as_str()) => {
                convert(inner, module, field)
            }
            [Tree::List(octets)] if is_octets(name) => json!({ "octets": octets_of(octets) }),
            [inner] => {
                // `Name(Name)` is an alternative whose SEQUENCE has no components.
                let value = match inner {
                    Tree::Name(inner) if inner == name => json!({}),
                    inner => convert(inner, module, field),
                };
                json!({ "choice": alternative(name, module, field), "value": value })
            }
            values => values.iter().map(|item| convert(item, module, field)).collect(),
        },
        Tree::Name(name) => match name.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            "None" => Value::Null,
            _ if module == Module::Domain3 || EMPTY_ALTERNATIVES.contains(&name.as_str()) => {
                json!({ "choice": alternative(name, module, field), "value": null })
            }
            _ => alternative(name, module, field).into(),
        },
    }
}

fn components(name: &str, fields: &[(String, Tree)], module: Module) -> Value {
    let find = |wanted: &str| fields.iter().find(|(field, _)| field == wanted).map(|(_, t)| t);
    match (name, find("begin"), find("end"), find("bits"), find("len")) {
        ("Segmentation", Some(begin), Some(end), ..) => {
            let bit = |tree: &Tree| if *tree == Tree::Name("true".into()) { '1' } else { '0' };
            return json!({ "bits": String::from_iter([bit(begin), bit(end)]) });
        }
        ("Flags", _, _, Some(Tree::Number(bits)), Some(Tree::Number(len))) => {
            let bits = format!("{:064b}", bits.parse::<u64>().unwrap_or_default());
            let len = len.parse::<usize>().unwrap_or_default();
            return json!({ "bits": bits.get(..len).unwrap_or(&bits) });
        }
        _ => {}
    }
    let mut shown = Map::new();
    for (field, tree) in fields {
        if *tree != Tree::Name("None".into()) {
            shown.insert(component(field, module), convert(tree, module, field));
        }
    }
    shown.into()
}

fn is_octets(name: &str) -> bool {
    matches!(name, "SizedOctets" | "TwoOctets" | "Real")
}

fn octets_of(items: &[Tree]) -> String {
    let octet = |item: &Tree| match item {
        Tree::Number(digits) => digits.parse::<u8>().ok(),
        _ => None,
    };
    hex::encode(items.iter().filter_map(octet).collect::<Vec<_>>())
}

fn exception(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(ours, _)| *ours == name).map(|(_, theirs)| *theirs)
}

/// `snake_case` as the standard's `camelCase`.
fn component(name: &str, module: Module) -> String {
    if let Some(name) = exception(name) {
        return name.into();
    }
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        // Only T.125 writes "Id".
        if word == "id" && !matches!(module, Module::Domain | Module::Domain3) {
            camel.push_str("ID");
        } else if word.starts_with(|c: char| c.is_ascii_digit()) {
            camel.push('-');
            camel.push_str(word);
        } else {
            let (first, rest) = word.split_at(word.len().min(1));
            camel.push_str(&first.to_ascii_uppercase());
            camel.push_str(rest);
        }
    }
    camel
}

/// A variant's name as the standard writes the alternative or item.
fn alternative(name: &str, module: Module, field: &str) -> String {
    if let Some(name) = exception(name) {
        return name.into();
    }
    let prefix = match (module, field) {
        (Module::Gcc | Module::Sharing, _) => None,
        (_, "result") => Some("rt-"),
        (_, "reason") => Some("rn-"),
        (_, "diagnostic") => Some("dc-"),
        _ => None,
    };
    if let Some(prefix) = prefix {
        return format!("{prefix}{}", hyphened(name));
    }
    let (first, rest) = name.split_at(name.len().min(1));
    let mut camel = first.to_ascii_lowercase() + rest;
    if matches!(module, Module::Gcc | Module::Sharing) {
        if let Some(stem) = camel.strip_suffix("Id") {
            camel = format!("{stem}ID");
        } else if let Some(stem) = camel.strip_suffix("Pdu") {
            camel = format!("{stem}PDU");
        }
    }
    camel
}

fn hyphened(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !c.is_ascii_uppercase() => word.push(c),
            _ => words.push(c.to_ascii_lowercase().to_string()),
        }
    }
    for word in &mut words {
        if matches!(word.as_str(), "ber" | "per" | "pdu") {
            word.make_ascii_uppercase();
        }
    }
    words.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_those_of_the_standards() {
        assert_eq!(component("purge_channel_ids", Module::Domain), "purgeChannelIds");
        assert_eq!(component("channel_id", Module::Domain), "channelId");
        assert_eq!(component("top_node_id", Module::Gcc), "topNodeID");
        assert_eq!(component("digital_56k", Module::Gcc), "digital-56k");
        assert_eq!(
            alternative("InvalidBerEncoding", Module::Domain, "diagnostic"),
            "dc-invalid-BER-encoding"
        );
        assert_eq!(alternative("NoSuchChannel", Module::Domain, "result"), "rt-no-such-channel");
        assert_eq!(alternative("UserRejected", Module::Gcc, "result"), "userRejected");
        assert_eq!(alternative("ChannelId", Module::Gcc, "item"), "channelID");
    }

    #[test]
    fn absent_components_are_left_out() {
        #[derive(Debug)]
        #[allow(dead_code, reason = "read through Debug")]
        struct Confirm {
            result: Outcome,
            user_ids: Vec<u16>,
            none: Option<u8>,
        }
        #[derive(Debug)]
        enum Outcome {
            Successful,
        }
        let confirm = Confirm { result: Outcome::Successful, user_ids: vec![1001], none: None };
        let tree = Tree::of(&confirm).expect("it is derived");
        assert_eq!(
            value(&tree, Module::Domain),
            json!({ "result": "rt-successful", "userIds": [1001] })
        );
    }
}
