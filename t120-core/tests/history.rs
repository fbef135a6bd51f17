//! Random histories in virtual time: trees of nodes that join, leave, are cut off and merge end
//! with the same roster, the same board and the same owners of tokens everywhere.
//!
//! `HANDSET_HISTORIES=10000 cargo test --release -p handset-t120-core --features alloc --test history`
//! runs as many as are named.

#![allow(clippy::std_instead_of_core, clippy::std_instead_of_alloc)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use common::Net;
use handset_testkit::seeds;
use t120_core::conference::{Config, Event};
use t120_core::gcc::types::{EntityId, Key, SessionKey};
use t120_core::mcs::{
    ChannelId, DataPriority, Notice, PrivateChannelId, TokenId, TokenStatus, UserId,
};
use t120_core::per::ObjectIdentifier;
use t120_core::whiteboard::{Pen, Point, Shape};

const LONG: Duration = Duration::from_secs(60);
const TOKENS: u16 = 4;

fn token(number: u16) -> TokenId {
    TokenId::new(100 + number).expect("a token")
}

/// What a host knows of its node.
#[derive(Default)]
struct Host {
    seen: usize,
    user: Option<UserId>,
    wants_user: bool,
    channels: BTreeSet<PrivateChannelId>,
    statuses: BTreeMap<TokenId, TokenStatus>,
}

struct World {
    net: Net,
    hosts: Vec<Host>,
}

impl World {
    fn add(&mut self) -> usize {
        let number = self.net.nodes.len();
        self.hosts.push(Host::default());
        self.net.add(Config::new(&format!("node {number}")).expect("a short name"))
    }

    fn is_in(&self, node: usize) -> bool {
        self.net.nodes[node].node().is_some()
    }

    /// Those that are in a conference.
    fn present(&self) -> Vec<usize> {
        (0..self.net.nodes.len()).filter(|node| self.is_in(*node)).collect()
    }

    fn pick(&mut self, from: &[usize]) -> Option<usize> {
        let count = from.len() as u64;
        (count > 0).then(|| from[self.net.random().below(count) as usize])
    }

    /// Runs, and lets the hosts do what the events ask for.
    fn run(&mut self, limit: Duration) {
        loop {
            self.net.run(limit);
            let mut busy = false;
            for node in 0..self.hosts.len() {
                while let Some(event) = self.net.events[node].get(self.hosts[node].seen).copied() {
                    self.hosts[node].seen += 1;
                    busy |= self.follow(node, event);
                }
                self.net.drain(node);
            }
            if !busy {
                return;
            }
        }
    }

    fn follow(&mut self, node: usize, event: Event) -> bool {
        let machine = &mut self.net.nodes[node];
        let host = &mut self.hosts[node];
        match event {
            Event::Joined { .. } => {
                host.wants_user = machine.attach_user(1).is_err();
                true
            }
            Event::Ended { .. } => {
                (host.user, host.statuses) = (None, BTreeMap::new());
                host.channels.clear();
                false
            }
            Event::Mcs(Notice::Attach { result, .. }) => {
                host.user = result.ok();
                if let Some(user) = host.user {
                    let channel = ChannelId::from_number(20);
                    // It may be gone again by the time that the host hears of it.
                    let _ = machine.join_channel(user, channel);
                    let _ = machine.join_channel(user, ChannelId::from(user));
                }
                true
            }
            Event::Mcs(Notice::Detach { user, .. }) if Some(user) == host.user => {
                host.user = None;
                host.channels.clear();
                // Not before the merge that has purged it is over.
                host.wants_user = machine.attach_user(1).is_err();
                true
            }
            Event::Merged { .. } if host.wants_user => {
                host.wants_user = machine.attach_user(1).is_err();
                true
            }
            Event::Mcs(Notice::TokenGive { user, token, .. }) => {
                let take = user.value().is_multiple_of(3);
                machine.answer_token(user, token, take).is_ok()
            }
            Event::Mcs(Notice::ChannelConvene { result: Ok(channel), .. }) => {
                host.channels.insert(channel);
                false
            }
            Event::Mcs(Notice::ChannelAdmit { user, channel, .. }) => {
                host.channels.insert(channel);
                machine.join_channel(user, ChannelId::from_number(channel.value())).is_ok()
            }
            Event::Mcs(Notice::ChannelExpel { channel, .. })
            | Event::Mcs(Notice::ChannelDisband { channel, .. }) => {
                host.channels.remove(&channel);
                false
            }
            Event::Mcs(Notice::TokenTest(confirm)) => {
                host.statuses.insert(confirm.token, confirm.status);
                false
            }
            _ => false,
        }
    }

    fn step(&mut self, most: usize) {
        let there = self.present();
        let Some(node) = self.pick(&there) else { return };
        let other = self.pick(&there).expect("there is one");
        let number = self.net.random().below(u64::from(TOKENS)) as u16;
        let choice = self.net.random().below(100);
        let user = self.hosts[node].user;
        match choice {
            0..25 if there.len() < most => {
                let new = self.add();
                self.net.join(new, node);
            }
            25..30 => {
                let new = self.add();
                self.net.nodes[new].host("1").expect("it is in none");
                self.net.drain(new);
            }
            30..40 => self.merge(node, other),
            40..44 => {
                self.net.nodes[node].leave().expect("there is room");
                self.net.drain(node);
            }
            44..48 => self.net.cut_at(node),
            48..56 => {
                let (from, to) = (Point::new(choice as i32, 3), Point::new(7, node as i32));
                let shape = Shape::Line { from, to };
                let _ = self.net.nodes[node].draw(shape, Pen::default(), None);
                self.net.drain(node);
            }
            56..60 => {
                let key = Key::Object(ObjectIdentifier::new(&[0, 20, 126, 1]).expect("an id"));
                let session = SessionKey { application_protocol_key: key, session_id: None };
                let entity = t120_core::conference::Entity {
                    id: EntityId::new(number).expect("any"),
                    session,
                    active: true,
                    conducting_operation_capable: false,
                    startup_channel: None,
                    user,
                    capabilities: &[],
                    non_collapsing_capabilities: &[],
                };
                let machine = &mut self.net.nodes[node];
                if machine.enroll(&entity).is_err() || choice == 59 {
                    let _ = machine.withdraw(entity.id);
                }
                self.net.drain(node);
            }
            _ => {
                let Some(user) = user else { return };
                let recipient = self.hosts[other].user;
                let private = self.hosts[node].channels.first().copied();
                let machine = &mut self.net.nodes[node];
                // All of these may be refused while conferences merge.
                let _ = match choice {
                    60..70 => machine.grab_token(user, token(number)),
                    70..75 => machine.inhibit_token(user, token(number)),
                    75..80 => machine.release_token(user, token(number)),
                    80..85 => machine.please_token(user, token(number)),
                    85..89 => match recipient {
                        Some(recipient) => machine.give_token(user, token(number), recipient),
                        None => Ok(()),
                    },
                    89..91 => machine.convene_channel(user),
                    91..95 => match (private, recipient) {
                        (Some(channel), Some(other)) => {
                            machine.admit_to_channel(user, channel, &[other])
                        }
                        _ => Ok(()),
                    },
                    95..97 => match (private, recipient) {
                        (Some(channel), Some(other)) => {
                            machine.expel_from_channel(user, channel, &[other])
                        }
                        _ => Ok(()),
                    },
                    _ => machine.send_data(
                        user,
                        ChannelId::from_number(20),
                        DataPriority::Medium,
                        choice == 98,
                        b"data",
                    ),
                };
                self.net.drain(node);
            }
        }
    }

    /// The top of one conference joins at a node of another one, or of its own.
    fn merge(&mut self, node: usize, other: usize) {
        let tops: Vec<usize> =
            self.present().into_iter().filter(|n| self.net.nodes[*n].is_top()).collect();
        let _ = node;
        let Some(top) = self.pick(&tops) else { return };
        if top == other {
            return;
        }
        let mut refused = false;
        let pipe = self.net.call_with(top, other, |machine, now, connection| {
            // It may be on its way into another one already.
            refused = machine.join(now, connection, "1").is_err();
        });
        if refused {
            self.net.cut(pipe);
        }
    }

    fn settle(&mut self) {
        self.run(LONG);
        self.net.pass(LONG);
        self.run(LONG);
    }

    fn check(&mut self) -> usize {
        let there = self.present();
        for node in &there {
            let user = self.hosts[*node].user;
            let user = user.unwrap_or_else(|| panic!("node {node} has a user"));
            for number in 0..TOKENS {
                self.net.nodes[*node].test_token(user, token(number)).expect("nothing merges");
            }
            self.net.drain(*node);
        }
        self.run(LONG);
        // By the top of each.
        let mut conferences: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for node in &there {
            let machine = &self.net.nodes[*node];
            let top = there.iter().copied().filter(|n| self.net.nodes[*n].is_top()).find(|top| {
                let roster: Vec<UserId> = machine.roster().map(|n| n.id).collect();
                let same = self.net.nodes[*top].roster().map(|n| n.id).eq(roster.iter().copied());
                same && roster.contains(&machine.node().expect("it is in"))
                    && self.net.nodes[*top].roster().any(|other| {
                        Some(other.id) == machine.node() && other.name == format!("node {node}")
                    })
            });
            let top = top.unwrap_or_else(|| {
                let roster: Vec<_> = machine.roster().collect();
                panic!("node {node} {:?} has a roster of its own: {roster:?}", machine.node())
            });
            conferences.entry(top).or_default().push(*node);
        }
        for (top, nodes) in &conferences {
            self.check_conference(*top, nodes);
        }
        conferences.len()
    }

    fn check_conference(&self, top: usize, nodes: &[usize]) {
        let first = &self.net.nodes[top];
        let names: Vec<String> = nodes.iter().map(|node| format!("node {node}")).collect();
        let ghosts: Vec<_> =
            first.roster().filter(|node| !names.contains(&node.name.to_owned())).collect();
        assert!(ghosts.is_empty(), "conference of {top}: {ghosts:?} are not in it");
        assert_eq!(first.roster().count(), nodes.len(), "conference of {top}");
        let applications = format!("{:?}", first.applications().collect::<Vec<_>>());
        for node in nodes {
            let machine = &self.net.nodes[*node];
            assert!(machine.board_is_ready(), "node {node}");
            assert_eq!(machine.board().digest(), first.board().digest(), "node {node}");
            assert!(machine.roster().eq(first.roster()), "node {node}");
            let theirs = format!("{:?}", machine.applications().collect::<Vec<_>>());
            let plain = |text: &str| {
                let mut parts = text.split("roster_instance_number");
                let first = parts.next().unwrap_or_default().to_owned();
                parts.fold(first, |all, part| all + part.trim_start_matches(|c| c != ','))
            };
            assert_eq!(plain(&theirs), plain(&applications), "node {node}");
        }
        for number in 0..TOKENS {
            let statuses: Vec<TokenStatus> =
                nodes.iter().map(|node| self.hosts[*node].statuses[&token(number)]).collect();
            let count = |wanted: TokenStatus| statuses.iter().filter(|s| **s == wanted).count();
            let grabbed = count(TokenStatus::SelfGrabbed);
            let others = count(TokenStatus::OtherGrabbed);
            let inhibited = count(TokenStatus::SelfInhibited);
            assert!(grabbed <= 1, "one has it at most: {statuses:?}");
            match (grabbed, inhibited) {
                (1, _) => assert_eq!(others, nodes.len() - 1, "{statuses:?}"),
                (0, 0) => assert_eq!(count(TokenStatus::NotInUse), nodes.len(), "{statuses:?}"),
                _ => {
                    let rest = count(TokenStatus::OtherInhibited);
                    assert_eq!(rest + inhibited, nodes.len(), "{statuses:?}");
                }
            }
        }
    }
}

#[test]
fn random_histories_end_with_the_same_view_everywhere() {
    let count = std::env::var("HANDSET_HISTORIES").ok().and_then(|n| n.parse().ok()).unwrap_or(400);
    let merged = std::cell::Cell::new(0);
    seeds(count, |seed| {
        let mut world = World { net: Net::new(seed), hosts: Vec::new() };
        let top = world.add();
        world.net.nodes[top].host("1").expect("it is in none");
        world.net.drain(top);
        let large = world.net.random().chance(50);
        let most = 2 + world.net.random().below(if large { 49 } else { 10 }) as usize;
        for _ in 0..most * 3 + 10 {
            world.step(most);
            let pause = match world.net.random().below(4) {
                0 => LONG,
                1 => Duration::ZERO,
                _ => Duration::from_micros(world.net.random().below(60_000)),
            };
            if pause > Duration::ZERO {
                world.run(pause);
            }
        }
        world.settle();
        world.check();
        let events = world.net.events.iter().flatten();
        merged.set(merged.get() + events.filter(|e| matches!(e, Event::Merged { .. })).count());
    });
    assert!(merged.get() > 0, "conferences have merged");
}
