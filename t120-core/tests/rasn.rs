//! The same PDUs by a compiler of other people's: random values are coded by both, and read by
//! both. The types are written for this test after T.125 section 7 and T.124's GCC-PROTOCOL.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]
// What the derive macros make.
#![allow(missing_docs, elided_lifetimes_in_paths, unused_qualifications, unreachable_pub)]

use handset_testkit::{Random, seeds};
use rasn::prelude::*;
use t120_core::gcc::conference as gcc;
use t120_core::gcc::pdu::{GccPdu, IndicationPdu, RequestPdu, ResponsePdu};
use t120_core::gcc::registry;
use t120_core::gcc::types::{EntityId, Handle, TextString, Time};
use t120_core::mcs::domain::{self, DomainMcsPdu};
use t120_core::mcs::merge;
use t120_core::mcs::token;
use t120_core::mcs::{self, ChannelId, DataPriority, McsResult, Segmentation, TokenStatus, UserId};
use t120_core::per::{Int, List, Octets};

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(delegate, value("1001..=65535"))]
struct User(u32);

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(delegate, value("0..=65535"))]
struct Channel(u32);

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(delegate, value("1..=65535"))]
struct Token(u32);

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(delegate, value("0.."))]
struct Natural(Integer);

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(enumerated)]
enum Outcome {
    Successful,
    DomainMerging,
    DomainNotHierarchical,
    NoSuchChannel,
    NoSuchDomain,
    NoSuchUser,
    NotAdmitted,
    OtherUserId,
    ParametersUnacceptable,
    TokenNotAvailable,
    TokenNotPossessed,
    TooManyChannels,
    TooManyTokens,
    TooManyUsers,
    UnspecifiedFailure,
    UserRejected,
}

const OUTCOMES: [(Outcome, McsResult); 4] = [
    (Outcome::Successful, McsResult::Successful),
    (Outcome::NotAdmitted, McsResult::NotAdmitted),
    (Outcome::TooManyUsers, McsResult::TooManyUsers),
    (Outcome::UserRejected, McsResult::UserRejected),
];

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(enumerated)]
enum Status {
    NotInUse,
    SelfGrabbed,
    OtherGrabbed,
    SelfInhibited,
    OtherInhibited,
    SelfRecipient,
    SelfGiving,
    OtherGiving,
}

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(enumerated)]
enum Priority {
    Top,
    High,
    Medium,
    Low,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
struct ErectDomainRequest {
    sub_height: Natural,
    sub_interval: Natural,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
struct AttachUserConfirm {
    result: Outcome,
    initiator: Option<User>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
struct ChannelJoinConfirm {
    result: Outcome,
    initiator: User,
    requested: Channel,
    channel_id: Option<Channel>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
struct ChannelAdmitRequest {
    initiator: User,
    channel_id: User,
    user_ids: SetOf<User>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
struct SendDataRequest {
    initiator: User,
    channel_id: Channel,
    data_priority: Priority,
    segmentation: FixedBitString<2>,
    user_data: OctetString,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
struct TokenGiveConfirm {
    result: Outcome,
    initiator: User,
    token_id: Token,
    token_status: Status,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
struct PurgeTokensIndication {
    purge_token_ids: SetOf<Token>,
}

/// All 43 alternatives; those that are not tried here hold nothing.
#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(choice, automatic_tags)]
#[allow(clippy::large_enum_variant)]
enum Domain {
    A0(()),
    ErectDomainRequest(ErectDomainRequest),
    A2(()),
    A3(()),
    A4(()),
    A5(()),
    A6(()),
    PurgeTokensIndication(PurgeTokensIndication),
    A8(()),
    A9(()),
    A10(()),
    AttachUserConfirm(AttachUserConfirm),
    A12(()),
    A13(()),
    A14(()),
    ChannelJoinConfirm(ChannelJoinConfirm),
    A16(()),
    A17(()),
    A18(()),
    A19(()),
    A20(()),
    ChannelAdmitRequest(ChannelAdmitRequest),
    A22(()),
    A23(()),
    A24(()),
    SendDataRequest(SendDataRequest),
    A26(()),
    A27(()),
    A28(()),
    A29(()),
    A30(()),
    A31(()),
    A32(()),
    A33(()),
    A34(()),
    A35(()),
    TokenGiveConfirm(TokenGiveConfirm),
    A37(()),
    A38(()),
    A39(()),
    A40(()),
    A41(()),
    A42(()),
}

fn user(random: &mut Random) -> UserId {
    UserId::new(1001 + random.below(64535) as u16).expect("in range")
}

const fn theirs(user: UserId) -> User {
    User(user.value() as u32)
}

/// Both write the same, and each reads what the other writes.
fn agree<'a, T, O>(theirs: &T, ours: &O, octets: &'a mut Vec<u8>)
where
    T: Encode + Decode + PartialEq + core::fmt::Debug,
    O: t120_core::per::Value<'a> + PartialEq + core::fmt::Debug,
{
    let by_them = rasn::aper::encode(theirs).expect("they can write it");
    octets.resize(t120_core::per::encoded_len(ours), 0);
    t120_core::per::write(ours, octets).expect("we can write it");
    assert_eq!(*octets, by_them, "{ours:?}");
    let by_us = rasn::aper::decode::<T>(octets).expect("they can read it");
    assert_eq!(by_us, *theirs);
    let octets: &'a [u8] = octets;
    assert_eq!(t120_core::per::parse::<O>(octets).as_ref(), Ok(ours));
}

#[test]
fn domain_pdus_are_what_rasn_makes_of_them() {
    seeds(200, |seed| {
        let random = &mut Random::new(seed);
        let (initiator, other) = (user(random), user(random));
        let (outcome, result) = OUTCOMES[random.below(4) as usize];
        let channel = random.below(65536) as u16;
        let token = 1 + random.below(65535) as u16;
        let some = random.chance(500);

        let height = random.number() >> random.below(64);
        let ours = DomainMcsPdu::ErectDomainRequest(merge::ErectDomainRequest {
            sub_height: t120_core::per::Unsigned(height),
            sub_interval: t120_core::per::Unsigned(channel.into()),
        });
        let interval = Natural(channel.into());
        let pdu = ErectDomainRequest { sub_height: Natural(height.into()), sub_interval: interval };
        agree(&Domain::ErectDomainRequest(pdu), &ours, &mut Vec::new());

        let ours = DomainMcsPdu::AttachUserConfirm(domain::AttachUserConfirm {
            result,
            initiator: some.then_some(initiator),
        });
        let pdu =
            AttachUserConfirm { result: outcome, initiator: some.then_some(theirs(initiator)) };
        agree(&Domain::AttachUserConfirm(pdu), &ours, &mut Vec::new());

        let ours = DomainMcsPdu::ChannelJoinConfirm(domain::ChannelJoinConfirm {
            result,
            initiator,
            requested: ChannelId::from_number(channel),
            channel_id: some.then_some(other.into()),
        });
        let pdu = ChannelJoinConfirm {
            result: outcome,
            initiator: theirs(initiator),
            requested: Channel(channel.into()),
            channel_id: some.then_some(Channel(other.value().into())),
        };
        agree(&Domain::ChannelJoinConfirm(pdu), &ours, &mut Vec::new());

        // One element: rasn sorts the elements of a SET OF, which BASIC-PER leaves open.
        let users = [other];
        let private = mcs::PrivateChannelId::new(initiator.value()).expect("in range");
        let ours = DomainMcsPdu::ChannelAdmitRequest(domain::ChannelAdmitRequest {
            initiator,
            channel_id: private,
            user_ids: List::new(&users),
        });
        let mut user_ids = SetOf::new();
        user_ids.insert(theirs(other));
        let (initiator_, channel_id) = (theirs(initiator), theirs(initiator));
        let pdu = ChannelAdmitRequest { initiator: initiator_, channel_id, user_ids };
        agree(&Domain::ChannelAdmitRequest(pdu), &ours, &mut Vec::new());

        let tokens = [mcs::TokenId::new(token).expect("in range")];
        let ours = DomainMcsPdu::PurgeTokensIndication(merge::PurgeTokensIndication {
            purge_token_ids: List::new(&tokens),
        });
        let mut purge_token_ids = SetOf::new();
        purge_token_ids.insert(Token(token.into()));
        let pdu = PurgeTokensIndication { purge_token_ids };
        agree(&Domain::PurgeTokensIndication(pdu), &ours, &mut Vec::new());

        let ours = DomainMcsPdu::TokenGiveConfirm(token::TokenGiveConfirm {
            result,
            initiator,
            token_id: tokens[0],
            token_status: TokenStatus::SelfGiving,
        });
        let pdu = TokenGiveConfirm {
            result: outcome,
            initiator: theirs(initiator),
            token_id: Token(token.into()),
            token_status: Status::SelfGiving,
        };
        agree(&Domain::TokenGiveConfirm(pdu), &ours, &mut Vec::new());

        let len = [0, 1, 127, 128, 1000, 16383, 16384, 40000][random.below(8) as usize];
        let payload: Vec<u8> = (0..len).map(|n: usize| n as u8).collect();
        let (begin, end) = (random.chance(500), random.chance(500));
        let ours = DomainMcsPdu::SendDataRequest(domain::SendDataRequest {
            initiator,
            channel_id: ChannelId::from_number(channel),
            data_priority: DataPriority::Medium,
            segmentation: Segmentation { begin, end },
            user_data: Octets::new(&payload),
        });
        let mut segmentation = FixedBitString::<2>::ZERO;
        segmentation.set(0, begin);
        segmentation.set(1, end);
        let pdu = SendDataRequest {
            initiator: theirs(initiator),
            channel_id: Channel(channel.into()),
            data_priority: Priority::Medium,
            segmentation,
            user_data: payload.clone().into(),
        };
        let by_them = rasn::aper::encode(&Domain::SendDataRequest(pdu)).expect("they can write it");
        let mut octets = vec![0; ours.encoded_len()];
        ours.write(&mut octets).expect("we can write it");
        assert_eq!(octets, by_them, "{len} octets");
    });
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
#[non_exhaustive]
struct LockResponse {
    result: Lock,
}

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(enumerated)]
#[non_exhaustive]
enum Lock {
    Success,
    InvalidRequester,
    AlreadyLocked,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
#[non_exhaustive]
struct AllocateHandleRequest {
    #[rasn(value("0..=65535"))]
    entity_id: u32,
    #[rasn(value("1..=1024"))]
    number_of_handles: u32,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
#[non_exhaustive]
struct AllocateHandleResponse {
    #[rasn(value("0..=65535"))]
    entity_id: u32,
    #[rasn(value("1..=1024"))]
    number_of_handles: u32,
    #[rasn(value("0..=4294967295"))]
    first_handle: u64,
    result: Allocated,
}

#[derive(AsnType, Clone, Copy, Debug, Decode, Encode, PartialEq, Eq, Hash)]
#[rasn(enumerated)]
#[non_exhaustive]
enum Allocated {
    Successful,
    NoHandlesAvailable,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
#[non_exhaustive]
struct TimeRemaining {
    #[rasn(value("-2147483648..=2147483647"))]
    time_remaining: i64,
    node_id: Option<User>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
#[non_exhaustive]
struct PermissionGrant {
    #[rasn(size("0..=65535"))]
    permission_list: SequenceOf<User>,
    #[rasn(size("1..=65536"))]
    waiting_list: Option<SequenceOf<User>>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(automatic_tags)]
#[non_exhaustive]
struct TextMessage {
    #[rasn(size("0..=255"))]
    message: BmpString,
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(choice, automatic_tags)]
#[non_exhaustive]
enum Request {
    A0(()),
    A1(()),
    A2(()),
    A3(()),
    A4(()),
    A5(()),
    A6(()),
    A7(()),
    A8(()),
    A9(()),
    A10(()),
    A11(()),
    A12(()),
    AllocateHandle(AllocateHandleRequest),
    A14(()),
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(choice, automatic_tags)]
#[non_exhaustive]
enum Response {
    A0(()),
    A1(()),
    Lock(LockResponse),
    A3(()),
    A4(()),
    A5(()),
    A6(()),
    A7(()),
    AllocateHandle(AllocateHandleResponse),
    A9(()),
    A10(()),
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(choice, automatic_tags)]
#[non_exhaustive]
enum Indication {
    A0(()),
    A1(()),
    A2(()),
    A3(()),
    A4(()),
    A5(()),
    A6(()),
    A7(()),
    A8(()),
    A9(()),
    A10(()),
    A11(()),
    PermissionGrant(PermissionGrant),
    TimeRemaining(TimeRemaining),
    A14(()),
    A15(()),
    A16(()),
    TextMessage(TextMessage),
    A18(()),
}

#[derive(AsnType, Clone, Debug, Decode, Encode, PartialEq)]
#[rasn(choice, automatic_tags)]
enum Gcc {
    Request(Request),
    Response(Response),
    Indication(Indication),
}

#[test]
fn pdus_of_gcc_are_what_rasn_makes_of_them() {
    seeds(200, |seed| {
        let random = &mut Random::new(seed);
        let (one, two) = (user(random), user(random));
        let entity = random.below(65536) as u16;
        let count = 1 + random.below(1024) as u32;
        let first = (random.number() >> (32 + random.below(32))) as u32;
        let some = random.chance(500);
        let id = EntityId::new(entity).expect("in range");
        let handles = Int::new(count.into()).expect("in range");

        let ours =
            GccPdu::Response(ResponsePdu::ConferenceLockResponse(gcc::ConferenceLockResponse {
                result: gcc::LockResult::AlreadyLocked,
            }));
        let pdu = Response::Lock(LockResponse { result: Lock::AlreadyLocked });
        agree(&Gcc::Response(pdu), &ours, &mut Vec::new());

        let request =
            registry::RegistryAllocateHandleRequest { entity_id: id, number_of_handles: handles };
        let ours = GccPdu::Request(RequestPdu::RegistryAllocateHandleRequest(request));
        let pdu = AllocateHandleRequest { entity_id: entity.into(), number_of_handles: count };
        agree(&Gcc::Request(Request::AllocateHandle(pdu)), &ours, &mut Vec::new());

        let response = registry::RegistryAllocateHandleResponse {
            entity_id: id,
            number_of_handles: handles,
            first_handle: Handle::new(first).expect("in range"),
            result: registry::AllocateHandleResult::NoHandlesAvailable,
        };
        let ours = GccPdu::Response(ResponsePdu::RegistryAllocateHandleResponse(response));
        let pdu = AllocateHandleResponse {
            entity_id: entity.into(),
            number_of_handles: count,
            first_handle: first.into(),
            result: Allocated::NoHandlesAvailable,
        };
        agree(&Gcc::Response(Response::AllocateHandle(pdu)), &ours, &mut Vec::new());

        let seconds = random.number() as i32;
        let indication = gcc::ConferenceTimeRemainingIndication {
            time_remaining: Time::new(seconds).expect("in range"),
            node_id: some.then_some(one),
        };
        let ours = GccPdu::Indication(IndicationPdu::ConferenceTimeRemainingIndication(indication));
        let node_id = some.then_some(theirs(one));
        let pdu = TimeRemaining { time_remaining: seconds.into(), node_id };
        agree(&Gcc::Indication(Indication::TimeRemaining(pdu)), &ours, &mut Vec::new());

        let users = [one, two];
        let indication = gcc::ConductorPermissionGrantIndication {
            permission_list: List::new(&users),
            waiting_list: some.then_some(List::new(&users[..1])),
        };
        let ours =
            GccPdu::Indication(IndicationPdu::ConductorPermissionGrantIndication(indication));
        let pdu = PermissionGrant {
            permission_list: vec![theirs(one), theirs(two)],
            waiting_list: some.then_some(vec![theirs(one)]),
        };
        agree(&Gcc::Indication(Indication::PermissionGrant(pdu)), &ours, &mut Vec::new());

        let text = ["", "a", "Grüße", "日本語"][random.below(4) as usize];
        let message = TextString::new(text).expect("short");
        let indication = gcc::TextMessageIndication { message };
        let ours = GccPdu::Indication(IndicationPdu::TextMessageIndication(indication));
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let message = BmpString::try_from(&*units).expect("of the basic plane");
        let pdu = TextMessage { message };
        agree(&Gcc::Indication(Indication::TextMessage(pdu)), &ours, &mut Vec::new());
    });
}
