//! What a node does beyond the board: users, channels and tokens of the host's, several
//! priorities, conference control, registry, applications and the conductor.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::time::Duration;

use common::Net;
use t120_core::conference::{
    Capability, Config, Connection, Credentials, EndReason, Entity, Event, Privileges, Profile,
};
use t120_core::gcc::conference::{AddResult, EjectResult, LockResult, TransferResult};
use t120_core::gcc::network::{NetworkAddress, NetworkAddressItem, TransportConnection};
use t120_core::gcc::pdu::{GccPdu, IndicationPdu, RequestPdu, ResponsePdu};
use t120_core::gcc::registry::{
    RegistryItem, RegistryKey, RegistryModificationRights, RegistryResult,
};
use t120_core::gcc::roster::{ApplicationCapabilitiesList, ApplicationRecordList};
use t120_core::gcc::types::{
    CapabilityClass, CapabilityId, DynamicChannelId, EntityId, Key, Privilege, SessionKey,
};
use t120_core::mcs::{ChannelId, DataPriority, McsResult, Notice, TokenId, TokenStatus, UserId};
use t120_core::per::{List, ObjectIdentifier, SizedOctets, Unsigned};

const LONG: Duration = Duration::from_secs(60);

/// A conference of this profile and `guests` nodes that join one below the other.
fn chain(profile: Profile, guests: usize, change: impl Fn(&mut Config)) -> Net {
    let mut net = Net::new(7);
    for node in 0..=guests {
        let mut config = Config::new(&format!("node {node}")).unwrap();
        change(&mut config);
        net.add(config);
        if node == 0 {
            net.nodes[0].host_with(profile).unwrap();
            net.drain(0);
        } else {
            net.join(node, node - 1);
            net.run(LONG);
            net.open_wanted();
            net.run(LONG);
            assert!(net.nodes[node].node().is_some(), "node {node} is in");
        }
    }
    net
}

fn open_chain(guests: usize) -> Net {
    chain(Profile::new("1").unwrap(), guests, |_| ())
}

fn notices(net: &Net, node: usize) -> Vec<Notice> {
    let events = net.events[node].iter();
    events.filter_map(|e| if let Event::Mcs(notice) = e { Some(*notice) } else { None }).collect()
}

fn last(net: &Net, node: usize) -> Notice {
    *notices(net, node).last().expect("a notice")
}

fn attach(net: &mut Net, node: usize) -> UserId {
    net.nodes[node].attach_user(9).unwrap();
    net.drain(node);
    net.run(LONG);
    match last(net, node) {
        Notice::Attach { tag: 9, result: Ok(user) } => user,
        other => panic!("{other:?}"),
    }
}

fn act(
    net: &mut Net,
    node: usize,
    act: impl FnOnce(&mut t120_core::conference::Conference<'static>),
) {
    act(&mut net.nodes[node]);
    net.drain(node);
    net.run(LONG);
}

fn data(net: &Net, node: usize) -> usize {
    net.events[node].iter().filter(|event| matches!(event, Event::UserData { .. })).count()
}

#[test]
fn only_who_is_admitted_to_a_private_channel_joins_it_and_sends_on_it() {
    let mut net = open_chain(4);
    let users: Vec<UserId> = (0..5).map(|node| attach(&mut net, node)).collect();
    act(&mut net, 2, |node| node.convene_channel(users[2]).unwrap());
    let Notice::ChannelConvene { result: Ok(private), user } = last(&net, 2) else { panic!() };
    assert_eq!(user, users[2]);
    let channel = ChannelId::from_number(private.value());
    let result = |net: &Net, node: usize| match last(net, node) {
        Notice::ChannelJoin { result, .. } => result,
        other => panic!("{other:?}"),
    };
    act(&mut net, 4, |node| node.join_channel(users[4], channel).unwrap());
    assert_eq!(result(&net, 4), Err(McsResult::NotAdmitted));
    let others = [users[0], users[4]];
    act(&mut net, 2, |node| node.admit_to_channel(users[2], private, &others).unwrap());
    for node in [0, 4] {
        let expected =
            Notice::ChannelAdmit { user: users[node], channel: private, manager: users[2] };
        assert_eq!(last(&net, node), expected);
        act(&mut net, node, |n| n.join_channel(users[node], channel).unwrap());
        assert_eq!(result(&net, node), Ok(channel));
    }
    let send = |node: usize, net: &mut Net| {
        let machine = &mut net.nodes[node];
        let sent = machine.send_data(users[node], channel, DataPriority::Top, false, b"secret");
        net.drain(node);
        net.run(LONG);
        sent
    };
    send(4, &mut net).unwrap();
    assert_eq!((data(&net, 0), data(&net, 1), data(&net, 2)), (1, 0, 0));
    // An outsider is not let even where the channel is not known: the next node ignores it.
    send(1, &mut net).unwrap_err();
    let _ = send(3, &mut net);
    assert_eq!(data(&net, 0), 1);
    act(&mut net, 2, |node| node.expel_from_channel(users[2], private, &[users[4]]).unwrap());
    assert_eq!(last(&net, 4), Notice::ChannelExpel { user: users[4], channel: private });
    let _ = send(4, &mut net);
    assert_eq!(data(&net, 0), 1);
    // The manager is gone, and the channel with it.
    act(&mut net, 2, |node| node.detach_user(users[2]).unwrap());
    assert_eq!(last(&net, 0), Notice::ChannelDisband { user: users[0], channel: private });
    act(&mut net, 0, |node| node.join_channel(users[0], channel).unwrap());
    assert_eq!(result(&net, 0), Err(McsResult::NoSuchChannel));
    let stranger = net.nodes[3].disband_channel(users[3], private);
    assert!(stranger.is_err());
}

#[test]
fn an_assigned_channel_is_gone_with_the_last_who_leaves_it() {
    let mut net = open_chain(2);
    let users: Vec<UserId> = (0..3).map(|node| attach(&mut net, node)).collect();
    act(&mut net, 2, |node| node.join_channel(users[2], ChannelId::MIN).unwrap());
    let Notice::ChannelJoin { result: Ok(channel), .. } = last(&net, 2) else { panic!() };
    assert!(channel.value() > 1000);
    act(&mut net, 0, |node| node.join_channel(users[0], channel).unwrap());
    let priority = DataPriority::Low;
    act(&mut net, 0, |n| n.send_data(users[0], channel, priority, true, &[7; 9000]).unwrap());
    assert_eq!((data(&net, 0), data(&net, 1), data(&net, 2)), (1, 0, 1), "uniform comes back");
    act(&mut net, 2, |node| node.leave_channel(users[2], channel).unwrap());
    act(&mut net, 0, |node| node.leave_channel(users[0], channel).unwrap());
    act(&mut net, 1, |node| node.join_channel(users[1], channel).unwrap());
    let requested = channel;
    let result = Err(McsResult::NoSuchChannel);
    assert_eq!(last(&net, 1), Notice::ChannelJoin { user: users[1], requested, result });
    let own = ChannelId::from(users[0]);
    act(&mut net, 1, |node| node.join_channel(users[1], own).unwrap());
    let result = Err(McsResult::OtherUserId);
    assert_eq!(last(&net, 1), Notice::ChannelJoin { user: users[1], requested: own, result });
}

#[test]
fn data_is_delivered_whole_and_read_until_the_next_input() {
    let mut net = open_chain(1);
    let users: Vec<UserId> = (0..2).map(|node| attach(&mut net, node)).collect();
    let channel = ChannelId::from_number(77);
    act(&mut net, 0, |node| node.join_channel(users[0], channel).unwrap());
    let octets: Vec<u8> = (0..50_000u32).map(|n| n as u8).collect();
    for len in [0, 3, 50_000] {
        let part = &octets[..len];
        net.nodes[1].send_data(users[1], channel, DataPriority::High, false, part).unwrap();
    }
    // By hand, to look at what is received between the events.
    let mut buffer = vec![0; 65536];
    let mut stream = Vec::new();
    while let Some(transmit) = net.nodes[1].poll_transmit(net.now, &mut buffer) {
        stream.extend_from_slice(&buffer[..transmit.len]);
    }
    let (mut at, mut lengths) = (0, Vec::new());
    loop {
        let (used, event) =
            net.nodes[0].handle_stream(net.now, Connection(0), &stream[at..]).unwrap();
        let mut event = event;
        while let Some(next) = event.take().or_else(|| net.nodes[0].poll_event()) {
            if let Event::UserData { initiator, channel: on, priority } = next {
                assert_eq!((initiator, on, priority), (users[1], channel, DataPriority::High));
                assert_eq!(net.nodes[0].received(), &octets[..net.nodes[0].received().len()]);
                lengths.push(net.nodes[0].received().len());
            }
        }
        if used == 0 {
            break;
        }
        at += used;
    }
    assert_eq!(lengths, [0, 3, 50_000]);
    assert!(net.nodes[0].received().is_empty());
}

#[test]
fn a_token_goes_through_all_its_states() {
    let mut net = open_chain(3);
    let users: Vec<UserId> = (0..4).map(|node| attach(&mut net, node)).collect();
    let token = TokenId::new(55).unwrap();
    let confirm = |notice: Notice| match notice {
        Notice::TokenGrab(c)
        | Notice::TokenInhibit(c)
        | Notice::TokenRelease(c)
        | Notice::TokenGiveConfirm(c)
        | Notice::TokenTest(c) => (c.result, c.status),
        other => panic!("{other:?}"),
    };
    let test = |net: &mut Net, node: usize| {
        act(net, node, |n| n.test_token(users[node], token).unwrap());
        confirm(last(net, node)).1
    };
    let (yes, no) = (McsResult::Successful, McsResult::TokenNotAvailable);
    use TokenStatus as Status;
    // Inhibited by two, so that neither may grab it; then by one, who may.
    for node in [3, 1] {
        act(&mut net, node, |n| n.inhibit_token(users[node], token).unwrap());
        assert_eq!(confirm(last(&net, node)), (yes, Status::SelfInhibited));
    }
    act(&mut net, 3, |n| n.grab_token(users[3], token).unwrap());
    assert_eq!(confirm(last(&net, 3)), (no, Status::SelfInhibited));
    assert_eq!(test(&mut net, 0), Status::OtherInhibited);
    act(&mut net, 1, |n| n.release_token(users[1], token).unwrap());
    assert_eq!(confirm(last(&net, 1)), (yes, Status::OtherInhibited));
    act(&mut net, 3, |n| n.grab_token(users[3], token).unwrap());
    assert_eq!(confirm(last(&net, 3)), (yes, Status::SelfGrabbed));
    // Somebody would like it.
    act(&mut net, 0, |n| n.please_token(users[0], token).unwrap());
    assert_eq!(last(&net, 3), Notice::TokenPlease { user: users[3], token, initiator: users[0] });
    // It is given, and not taken.
    act(&mut net, 3, |n| n.give_token(users[3], token, users[1]).unwrap());
    assert_eq!(last(&net, 1), Notice::TokenGive { user: users[1], token, donor: users[3] });
    assert_eq!(test(&mut net, 3), Status::SelfGiving);
    assert_eq!(test(&mut net, 1), Status::SelfRecipient);
    assert_eq!(test(&mut net, 2), Status::OtherGiving);
    act(&mut net, 1, |n| n.answer_token(users[1], token, false).unwrap());
    assert_eq!(confirm(last(&net, 3)), (McsResult::UserRejected, Status::SelfGrabbed));
    // It is given, and taken.
    act(&mut net, 3, |n| n.give_token(users[3], token, users[0]).unwrap());
    act(&mut net, 0, |n| n.answer_token(users[0], token, true).unwrap());
    assert_eq!(confirm(last(&net, 3)), (yes, Status::OtherGrabbed));
    assert_eq!(test(&mut net, 0), Status::SelfGrabbed);
    // The donor lets go before the answer: it is the recipient's or nobody's.
    act(&mut net, 0, |n| n.give_token(users[0], token, users[2]).unwrap());
    act(&mut net, 0, |n| n.release_token(users[0], token).unwrap());
    assert_eq!(confirm(last(&net, 0)), (yes, Status::OtherGiving));
    act(&mut net, 2, |n| n.answer_token(users[2], token, true).unwrap());
    assert_eq!(test(&mut net, 2), Status::SelfGrabbed);
    // The recipient is gone before the answer.
    act(&mut net, 2, |n| n.give_token(users[2], token, users[1]).unwrap());
    act(&mut net, 1, |n| n.detach_user(users[1]).unwrap());
    assert_eq!(confirm(last(&net, 2)), (McsResult::NoSuchUser, Status::SelfGrabbed));
    // To nobody, and what one has not.
    act(&mut net, 2, |n| n.give_token(users[2], token, users[1]).unwrap());
    assert_eq!(confirm(last(&net, 2)).0, McsResult::NoSuchUser);
    act(&mut net, 3, |n| n.give_token(users[3], token, users[0]).unwrap());
    assert_eq!(confirm(last(&net, 3)).0, McsResult::TokenNotPossessed);
    act(&mut net, 3, |n| n.release_token(users[3], token).unwrap());
    assert_eq!(confirm(last(&net, 3)).0, McsResult::TokenNotPossessed);
    // Who grabs it may share it, and is gone in the end.
    act(&mut net, 2, |n| n.inhibit_token(users[2], token).unwrap());
    assert_eq!(confirm(last(&net, 2)), (yes, Status::SelfInhibited));
    act(&mut net, 2, |n| n.detach_user(users[2]).unwrap());
    assert_eq!(test(&mut net, 0), Status::NotInUse);
}

#[test]
fn as_many_streams_as_priorities_carry_data_each_in_its_order() {
    for count in 2..=4u8 {
        let profile = Profile::new("1").unwrap();
        let mut net = chain(profile, 2, |config| config.max_priorities = count);
        let users: Vec<UserId> = (0..3).map(|node| attach(&mut net, node)).collect();
        let channel = ChannelId::from_number(99);
        act(&mut net, 0, |node| node.join_channel(users[0], channel).unwrap());
        net.sent.clear();
        for priority in 0..4 {
            let priority = DataPriority::from_number(priority).unwrap();
            act(&mut net, 2, |n| n.send_data(users[2], channel, priority, false, b"x").unwrap());
        }
        assert_eq!(data(&net, 0), 4);
        let streams: std::collections::BTreeSet<_> = net.routes.iter().copied().collect();
        let from_two = streams.iter().filter(|(node, _)| *node == 2).count();
        assert_eq!(from_two, usize::from(count));
        // The loss of one is the loss of all.
        let lane = streams.iter().filter(|(node, _)| *node == 2).max().copied().unwrap();
        net.cut_stream(lane);
        net.run(LONG);
        assert!(net.nodes[2].node().is_none());
        assert_eq!(net.nodes[0].roster().count(), 2);
    }
}

#[test]
fn a_stream_that_takes_nothing_holds_back_what_is_sent_to_it_and_then_all() {
    let mut net = chain(Profile::new("1").unwrap(), 1, |config| {
        config.max_queued_octets = 64 * 1024;
        config.min_throughput = 1000;
    });
    let second = net.join_next(0);
    net.run(LONG);
    assert!(net.nodes[second].node().is_none(), "another throughput is not this domain's");
    let mut config = Config::new("third").unwrap();
    config.min_throughput = 1000;
    let third = net.add(config);
    net.join(third, 0);
    net.run(LONG);
    let users = [attach(&mut net, 0), attach(&mut net, 1), attach(&mut net, third)];
    let channel = ChannelId::from_number(50);
    act(&mut net, third, |node| node.join_channel(users[2], channel).unwrap());
    act(&mut net, 1, |node| node.join_channel(users[1], channel).unwrap());
    let slow = Connection(0);
    net.nodes[0].pause(slow).unwrap();
    let send = |net: &mut Net| {
        let priority = DataPriority::Low;
        act(net, third, |n| n.send_data(users[2], channel, priority, false, &[1; 3000]).unwrap());
    };
    for _ in 0..5 {
        send(&mut net);
    }
    assert_eq!(data(&net, 1), 0);
    net.nodes[0].resume(slow).unwrap();
    net.drain(0);
    net.run(LONG);
    assert_eq!(data(&net, 1), 5, "in the end all of it is there");
    net.nodes[0].pause(slow).unwrap();
    for _ in 0..30 {
        send(&mut net);
    }
    assert!(net.nodes[0].poll_timeout().is_some());
    assert!(net.nodes[third].node().is_some(), "who sends is not to blame");
    net.pass(Duration::from_secs(11));
    let reason = EndReason::TooSlow;
    assert!(net.events[0].contains(&Event::Disconnected { connection: slow, reason }));
    net.run(LONG);
    assert!(net.events[0].contains(&Event::Resumed), "{:?}", net.events[0].last());
    assert_eq!(net.nodes[0].roster().count(), 2);
}

#[test]
fn a_tree_that_is_too_high_loses_its_lowest() {
    let net = chain(Profile::new("1").unwrap(), 3, |config| config.max_height = 3);
    assert_eq!(net.nodes[0].roster().count(), 4);
    let mut net = net;
    let mut config = Config::new("too low").unwrap();
    config.max_height = 3;
    let low = net.add(config);
    net.join(low, 3);
    net.run(LONG);
    assert!(net.nodes[low].node().is_none());
    assert_eq!(net.nodes[0].roster().count(), 4);
}

fn pdus(net: &Net, node: usize) -> usize {
    net.events[node].iter().filter(|event| matches!(event, Event::Gcc { .. })).count()
}

/// What the host of a node was told by GCC last.
fn told(net: &mut Net, node: usize, check: impl FnOnce(GccPdu<'_>)) {
    let octets = net.gcc.remove(&node).expect("it was told something");
    check(GccPdu::parse(&octets).expect("it was read before"));
}

fn numbered(name: &str) -> Profile {
    Profile::new(name).unwrap()
}

#[test]
fn a_password_is_asked_for_by_the_top_through_any_node() {
    for challenges in [false, true] {
        let mut profile = numbered("1");
        profile.password = t120_core::conference::Name::new("tür 5").unwrap();
        profile.challenges = challenges;
        let mut net = Net::new(3);
        let top = net.add(Config::new("top").unwrap());
        net.nodes[top].host_with(profile).unwrap();
        net.drain(top);
        let mut at = top;
        for _ in 0..2 {
            let guest = net.add(Config::new("guest").unwrap());
            let reason = |net: &mut Net, credentials: Credentials| {
                net.call_with(guest, at, |node, now, connection| {
                    node.join_with(now, connection, credentials).unwrap();
                });
                net.run(LONG);
                let ended = net.events[guest].iter().rev().find_map(|event| match event {
                    Event::Disconnected { reason, .. } => Some(*reason),
                    _ => None,
                });
                ended.filter(|_| net.nodes[guest].node().is_none())
            };
            let without = Credentials::new("1").unwrap();
            let mut right = without.with_password("tür 5").unwrap();
            let mut wrong = without.with_password("tür 6").unwrap();
            if challenges {
                let Some(EndReason::ChallengeResponseRequired { tag }) = reason(&mut net, right)
                else {
                    panic!("it is challenged")
                };
                right.challenge = Some(tag);
                wrong.challenge = Some(tag);
            } else {
                assert_eq!(reason(&mut net, without), Some(EndReason::InvalidPassword));
            }
            assert_eq!(reason(&mut net, wrong), Some(EndReason::InvalidPassword));
            assert_eq!(reason(&mut net, right), None);
            at = guest;
        }
        assert_eq!(net.nodes[top].roster().count(), 3);
    }
}

#[test]
fn a_query_tells_of_listed_conferences_only() {
    for listed in [true, false] {
        let mut profile = numbered("4711");
        profile.listed = listed;
        let mut net = chain(profile, 0, |_| ());
        let curious = net.add(Config::new("curious").unwrap());
        net.call_with(curious, 0, |node, now, connection| node.query(now, connection).unwrap());
        net.run(LONG);
        let answer = net.events[curious].iter().any(|e| matches!(e, Event::QueryAnswered { .. }));
        assert!(answer, "{:?}", net.events[curious]);
        assert!(net.nodes[curious].node().is_none());
    }
    // Read by hand, while it is there.
    let mut net = chain(numbered("4711"), 0, |_| ());
    let mut curious =
        t120_core::conference::Conference::growing(Config::new("c").unwrap(), [1; 32]).unwrap();
    curious.query(net.now, Connection(0)).unwrap();
    net.nodes[0].accept(net.now, Connection(5)).unwrap();
    let mut buffer = vec![0; 4096];
    let mut names = Vec::new();
    for _ in 0..10 {
        while let Some(sent) = curious.poll_transmit(net.now, &mut buffer) {
            let _ =
                net.nodes[0].handle_stream(net.now, Connection(5), &buffer[..sent.len]).unwrap();
        }
        while let Some(sent) = net.nodes[0].poll_transmit(net.now, &mut buffer) {
            let taken = curious.handle_stream(net.now, Connection(0), &buffer[..sent.len]).unwrap();
            let mut event = taken.1;
            while let Some(next) = event.take().or_else(|| curious.poll_event()) {
                if matches!(next, Event::QueryAnswered { .. }) {
                    let answer = curious.received_query().unwrap();
                    names.extend(answer.conference_list.iter().map(|one| {
                        one.conference_name.numeric.characters().map(char::from).collect::<String>()
                    }));
                }
            }
        }
    }
    assert_eq!(names, ["4711"]);
}

#[test]
fn who_is_invited_into_a_locked_conference_may_refuse_or_come() {
    let mut profile = numbered("1");
    profile.locked = true;
    let mut net = chain(profile, 0, |_| ());
    let stranger = net.join_next(0);
    net.run(LONG);
    let reason = EndReason::Locked;
    let event = Event::Disconnected { connection: Connection(0), reason };
    assert!(net.events[stranger].contains(&event), "{:?}", net.events[stranger]);
    for accept in [false, true] {
        net.call_with(0, stranger, |node, now, connection| node.invite(now, connection).unwrap());
        net.run(LONG);
        let asked = net.events[stranger].iter().any(|e| matches!(e, Event::Invited { .. }));
        assert!(asked, "{:?}", net.events[stranger]);
        assert_eq!(net.nodes[stranger].invited_to().unwrap().as_str(), "1");
        act(&mut net, stranger, |node| node.answer_invitation(accept).unwrap());
        assert_eq!(net.nodes[stranger].node().is_some(), accept);
    }
    assert_eq!(net.nodes[0].roster().count(), 2);
    // And one below whoever was invited.
    let second = net.add(Config::new("second").unwrap());
    net.call_with(stranger, second, |node, now, connection| node.invite(now, connection).unwrap());
    net.run(LONG);
    act(&mut net, second, |node| node.answer_invitation(true).unwrap());
    assert_eq!(net.nodes[0].roster().count(), 3);
    assert!(net.nodes[second].roster().eq(net.nodes[0].roster()));
}

#[test]
fn who_has_no_privilege_locks_and_ejects_nobody() {
    let mut profile = numbered("1");
    profile.non_conducted_privileges = Privileges::NONE.with(Privilege::LockUnlock);
    let mut net = chain(profile, 3, |_| ());
    act(&mut net, 3, |node| node.lock().unwrap());
    assert!(net.nodes.iter().all(|node| node.is_locked()));
    act(&mut net, 2, |node| node.lock().unwrap());
    told(&mut net, 2, |pdu| {
        let GccPdu::Response(ResponsePdu::ConferenceLockResponse(response)) = pdu else { panic!() };
        assert_eq!(response.result, LockResult::AlreadyLocked);
    });
    act(&mut net, 1, |node| node.unlock().unwrap());
    assert!(net.nodes.iter().all(|node| !node.is_locked()));
    let two = net.nodes[2].node().unwrap();
    act(&mut net, 1, |node| node.eject(two).unwrap());
    told(&mut net, 1, |pdu| {
        let GccPdu::Response(ResponsePdu::ConferenceEjectUserResponse(response)) = pdu else {
            panic!()
        };
        assert_eq!(response.result, EjectResult::InvalidRequester);
    });
    assert_eq!(net.nodes[0].roster().count(), 4);
    act(&mut net, 0, |node| node.eject(two).unwrap());
    let ended = |net: &Net, node: usize| {
        let events = net.events[node].iter();
        events.filter(|event| matches!(event, Event::Ended { .. })).count()
    };
    assert_eq!((ended(&net, 1), ended(&net, 2), ended(&net, 3)), (0, 1, 1));
    assert_eq!(net.nodes[0].roster().count(), 2);
}

#[test]
fn texts_time_transfer_and_additions_reach_those_whom_they_are_for() {
    let mut net = open_chain(3);
    let before: Vec<usize> = (0..4).map(|node| pdus(&net, node)).collect();
    act(&mut net, 2, |node| node.send_text("an alle", None).unwrap());
    for node in [0, 1, 3] {
        told(&mut net, node, |pdu| {
            let GccPdu::Indication(IndicationPdu::TextMessageIndication(text)) = pdu else {
                panic!()
            };
            assert_eq!(text.message.chars().collect::<String>(), "an alle");
        });
    }
    let one = net.nodes[1].node();
    act(&mut net, 2, |node| node.send_text("an einen", one).unwrap());
    act(&mut net, 0, |node| node.announce_time_remaining(90, None).unwrap());
    act(&mut net, 3, |node| node.inquire_time(true).unwrap());
    act(&mut net, 3, |node| node.extend_time(60, false).unwrap());
    act(&mut net, 3, |node| node.ask_for_assistance().unwrap());
    let counts: Vec<usize> = (0..4).map(|node| pdus(&net, node) - before[node]).collect();
    assert_eq!(counts, [1 + 3, 1 + 1 + 1 + 3, 1 + 3, 1 + 1]);
    // A transfer is the top's to grant; only those who are named hear of it.
    act(&mut net, 1, |node| node.transfer("22", &[]).unwrap());
    told(&mut net, 1, |pdu| {
        let GccPdu::Response(ResponsePdu::ConferenceTransferResponse(response)) = pdu else {
            panic!()
        };
        assert_eq!(response.result, TransferResult::InvalidRequester);
    });
    let three = net.nodes[3].node().unwrap();
    act(&mut net, 0, |node| node.transfer("22", &[three]).unwrap());
    told(&mut net, 3, |pdu| {
        assert!(matches!(pdu, GccPdu::Indication(IndicationPdu::ConferenceTransferIndication(_))));
    });
    // The top asks another one to add a node.
    let adding = net.nodes[2].node();
    let zero = net.nodes[0].node().unwrap();
    act(&mut net, 0, |node| {
        let nsap_address = SizedOctets::new(&[1, 2, 3]).unwrap();
        let address = TransportConnection { nsap_address, transport_selector: None };
        let items = [NetworkAddressItem::TransportConnection(address)];
        node.add(NetworkAddress::new(&items), 5, adding).unwrap();
    });
    told(&mut net, 2, |pdu| {
        let GccPdu::Request(RequestPdu::ConferenceAddRequest(request)) = pdu else { panic!() };
        assert_eq!((request.requesting_node, request.tag.0), (zero, 5));
    });
    act(&mut net, 2, |node| node.answer_add(zero, 5, AddResult::NetworkBusy).unwrap());
    told(&mut net, 0, |pdu| {
        let GccPdu::Response(ResponsePdu::ConferenceAddResponse(response)) = pdu else { panic!() };
        assert_eq!((response.tag.0, response.result), (5, AddResult::NetworkBusy));
    });
}

fn session(octets: &'static [u8]) -> SessionKey<'static> {
    let key = Key::Object(ObjectIdentifier::new(octets).expect("an identifier"));
    SessionKey { application_protocol_key: key, session_id: None }
}

#[test]
fn the_registry_gives_each_name_one_item() {
    let mut net = open_chain(2);
    let entity = EntityId::new(1).unwrap();
    let key = |name: &'static [u8]| RegistryKey {
        session_key: session(&[0, 20, 126, 0, 1]),
        resource_id: SizedOctets::new(name).unwrap(),
    };
    let answer = |net: &mut Net, node: usize| {
        let mut answer = None;
        told(net, node, |pdu| {
            let GccPdu::Response(ResponsePdu::RegistryResponse(response)) = pdu else { panic!() };
            answer = Some((response.result, format!("{:?}", response.item)));
        });
        answer.unwrap()
    };
    let channel = DynamicChannelId::new(1234).unwrap();
    act(&mut net, 1, |node| node.register_channel(entity, key(b"board"), channel).unwrap());
    assert_eq!(answer(&mut net, 1).0, RegistryResult::Successful);
    let other = DynamicChannelId::new(4321).unwrap();
    act(&mut net, 2, |node| node.register_channel(entity, key(b"board"), other).unwrap());
    let expected = format!("{:?}", RegistryItem::ChannelId(channel));
    assert_eq!(answer(&mut net, 2), (RegistryResult::EntryAlreadyExists, expected));
    act(&mut net, 0, |node| node.assign_token(entity, key(b"token")).unwrap());
    let (result, token) = answer(&mut net, 0);
    assert_eq!(result, RegistryResult::Successful);
    act(&mut net, 2, |node| node.assign_token(entity, key(b"token")).unwrap());
    assert_eq!(answer(&mut net, 2), (RegistryResult::EntryAlreadyExists, token));
    act(&mut net, 2, |node| node.assign_token(entity, key(b"board")).unwrap());
    assert_eq!(answer(&mut net, 2).0, RegistryResult::InconsistentType);
    // A parameter that only its owner may change, monitored by another.
    let rights = Some(RegistryModificationRights::Owner);
    act(&mut net, 1, |node| node.set_parameter(entity, key(b"p"), b"1", rights).unwrap());
    act(&mut net, 2, |node| node.set_parameter(entity, key(b"p"), b"2", None).unwrap());
    assert_eq!(answer(&mut net, 2).0, RegistryResult::BelongsToOther);
    act(&mut net, 2, |node| node.monitor_entry(entity, key(b"p")).unwrap());
    assert_eq!(answer(&mut net, 2).0, RegistryResult::Successful);
    act(&mut net, 1, |node| node.set_parameter(entity, key(b"p"), b"3", None).unwrap());
    told(&mut net, 2, |pdu| {
        let GccPdu::Indication(IndicationPdu::RegistryMonitorEntryIndication(pdu)) = pdu else {
            panic!()
        };
        assert_eq!(pdu.item, RegistryItem::Parameter(SizedOctets::new(b"3").unwrap()));
    });
    act(&mut net, 2, |node| node.delete_entry(entity, key(b"p")).unwrap());
    assert_eq!(answer(&mut net, 2).0, RegistryResult::BelongsToOther);
    // Its owner is gone: it is anybody's.
    let one = net.nodes[1].node().unwrap();
    assert!(net.nodes[0].roster().any(|node| node.id == one));
    act(&mut net, 2, |node| node.retrieve_entry(entity, key(b"none")).unwrap());
    assert_eq!(answer(&mut net, 2).0, RegistryResult::EntryNotFound);
    for (first, count) in [(0, 3), (3, 1024)] {
        act(&mut net, 2, |node| node.allocate_handles(entity, count).unwrap());
        told(&mut net, 2, |pdu| {
            let GccPdu::Response(ResponsePdu::RegistryAllocateHandleResponse(response)) = pdu
            else {
                panic!()
            };
            assert_eq!(response.first_handle.value(), first);
        });
    }
}

#[test]
fn capabilities_of_all_entities_of_a_session_collapse() {
    let mut net = open_chain(3);
    let key = session(&[0, 20, 126, 0, 1]);
    for (node, number) in [(0, 30), (2, 10), (3, 20)] {
        let capability = |id, class| Capability { id: CapabilityId::Standard(id), class };
        let all = [
            capability(1, CapabilityClass::UnsignedMin(Unsigned(number))),
            capability(2, CapabilityClass::UnsignedMax(Unsigned(number))),
            capability(3, CapabilityClass::Logical),
        ];
        let entity = Entity {
            id: EntityId::new(5).unwrap(),
            session: key,
            active: true,
            conducting_operation_capable: false,
            startup_channel: None,
            user: None,
            capabilities: if node == 3 { &all[..2] } else { &all },
            non_collapsing_capabilities: &[],
        };
        act(&mut net, node, |machine| machine.enroll(&entity).unwrap());
    }
    let summary = |net: &Net, node: usize| -> Vec<String> {
        let sessions = net.nodes[node].applications();
        let all = sessions.map(|information| {
            assert_eq!(information.session_key, key);
            let ApplicationRecordList::Refresh(records) = information.application_record_list
            else {
                panic!()
            };
            let ApplicationCapabilitiesList::Refresh(capabilities) =
                information.application_capabilities_list
            else {
                panic!()
            };
            let counts = capabilities.iter().map(|one| {
                format!("{:?} x{}", one.capability_class, one.number_of_entities.value())
            });
            format!("{} {:?}", records.len(), counts.collect::<Vec<_>>())
        });
        all.collect()
    };
    let three =
        r#"3 ["UnsignedMin(Unsigned(10)) x3", "UnsignedMax(Unsigned(30)) x3", "Logical x2"]"#;
    for node in 0..4 {
        assert_eq!(summary(&net, node), [three], "node {node}");
    }
    act(&mut net, 2, |node| node.withdraw(EntityId::new(5).unwrap()).unwrap());
    let two = r#"2 ["UnsignedMin(Unsigned(20)) x2", "UnsignedMax(Unsigned(30)) x2", "Logical x1"]"#;
    for node in 0..4 {
        assert_eq!(summary(&net, node), [two], "node {node}");
    }
    act(&mut net, 3, |node| node.leave().unwrap());
    let one = r#"1 ["UnsignedMin(Unsigned(30)) x1", "UnsignedMax(Unsigned(30)) x1", "Logical x1"]"#;
    for node in 0..3 {
        assert_eq!(summary(&net, node), [one], "node {node}");
    }
    let zero = net.nodes[0].node().unwrap();
    act(&mut net, 1, |node| node.invoke_application(key, &[zero]).unwrap());
    told(&mut net, 0, |pdu| {
        assert!(matches!(pdu, GccPdu::Indication(IndicationPdu::ApplicationInvokeIndication(_))));
    });
}

#[test]
fn one_node_conducts_and_hands_it_over() {
    let mut profile = numbered("1");
    profile.conductible = true;
    let mut net = chain(profile, 3, |_| ());
    let numbers: Vec<UserId> = (0..4).map(|node| net.nodes[node].node().unwrap()).collect();
    let all = |net: &Net, expected: Option<usize>| {
        for node in &net.nodes {
            assert_eq!(node.conductor(), expected.map(|node| numbers[node]));
        }
    };
    act(&mut net, 2, |node| node.assign_conductor().unwrap());
    all(&net, Some(2));
    act(&mut net, 1, |node| node.assign_conductor().unwrap());
    all(&net, Some(2));
    act(&mut net, 1, |node| node.please_conductor().unwrap());
    assert!(net.events[2].contains(&Event::ConductorWanted { node: numbers[1] }));
    act(&mut net, 2, |node| node.give_conductor(numbers[1]).unwrap());
    assert!(net.events[1].contains(&Event::ConductorOffered { donor: numbers[2] }));
    act(&mut net, 1, |node| node.answer_conductor(true).unwrap());
    all(&net, Some(1));
    act(&mut net, 3, |node| node.ask_permission(true).unwrap());
    act(&mut net, 1, |node| node.grant_permission(&[numbers[3]]).unwrap());
    told(&mut net, 3, |pdu| {
        let GccPdu::Indication(IndicationPdu::ConductorPermissionGrantIndication(pdu)) = pdu else {
            panic!()
        };
        assert!(pdu.permission_list.iter().eq([numbers[3]]));
    });
    // Who comes later learns of it, and its end.
    let late = net.join_next(0);
    net.run(LONG);
    assert_eq!(net.nodes[late].conductor(), Some(numbers[1]));
    act(&mut net, 1, |node| node.release_conductor().unwrap());
    assert!(net.nodes.iter().all(|node| node.conductor().is_none()));
    act(&mut net, 3, |node| node.assign_conductor().unwrap());
    act(&mut net, 3, |node| node.leave().unwrap());
    assert!(net.nodes[..3].iter().all(|node| node.conductor().is_none()));
    let none: List<'_, UserId> = List::new(&[]);
    assert!(none.is_empty());
    let mut plain = open_chain(1);
    assert!(plain.nodes[1].assign_conductor().is_err(), "this one is not conductible");
}
