use alloc::vec;
use alloc::vec::Vec;

use handset_testkit::{Random, seeds};

use super::*;
use crate::error::Error;

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut octets = vec![0xee; message.encoded_len()];
    assert_eq!(message.write(&mut octets), Ok(octets.len()));
    assert!(message.write(&mut vec![0; octets.len() - 1]).is_err());
    octets
}

#[test]
fn every_message_has_its_octets_and_comes_back() {
    let stamp = Stamp { generation: 0x01020304, user: 1005 };
    let id = ObjectId { sequence: 7, creator: 1006 };
    let (position, data) = (Position::First, &b"abc"[..]);
    let operations = [
        (Operation::WorksetClear, 16),
        (Operation::WorksetNew { priority: 0x1234, persistent: true, catchup: false }, 24),
        (Operation::WorksetNew { priority: 0, persistent: false, catchup: true }, 24),
        (Operation::ObjectAdd { id, position, total_size: 3, update_size: 2, data }, 39),
        (Operation::ObjectReplace { id, total_size: 9, data }, 35),
        (Operation::ObjectUpdate { id, total_size: 3, data }, 35),
        (Operation::ObjectDelete { id }, 24),
        (Operation::ObjectMove { id, position: Position::Last }, 24),
    ];
    let catchup = |data| Operation::ObjectCatchup {
        id,
        position,
        total_size: 3,
        update_size: 2,
        position_stamp: stamp,
        replace_stamp: Stamp { generation: 9, user: 1 },
        update_stamp: Stamp { generation: 8, user: 2 },
        data,
    };
    let catchups = [(catchup(Some(data)), 63), (catchup(None), 56)];
    for (operation, len) in operations.into_iter().chain(catchups) {
        let body = Body::Operation { group: 2, workset: 5, stamp, operation };
        let message = Message { sender: 1001, body };
        let octets = written(&message);
        assert_eq!(octets.len(), len, "{operation:?}");
        assert_eq!(Message::parse(&octets), Ok(message));
        assert!(len == 63 || Message::parse(&octets[..len - 1]).is_err(), "{operation:?}");
    }
    let lock = Body::Lock { kind: LockKind::Deny, group: 1, workset: 2, correlator: 3 };
    let octets = written(&Message { sender: 0x0401, body: lock });
    assert_eq!(octets, [1, 4, 0x17, 0, 1, 2, 3, 0, 0, 0, 0, 0]);
    let octets = written(&Message { sender: 1001, body: Body::Hello { compression: 4 } });
    assert_eq!(octets, [0xe9, 3, 0x0a, 0, 4, 0, 0, 0, 4, 0, 0, 0]);
    assert!(Message::parse(&[0, 0, 0x99, 0]).is_err());
}

fn seen(group: &Group<'_>) -> Vec<(u8, ObjectId, Vec<u8>)> {
    let worksets = group.worksets().map(|workset| workset.id);
    let mut worksets: Vec<u8> = worksets.collect();
    worksets.sort_unstable();
    let objects = worksets.into_iter().flat_map(|workset| {
        group.objects(workset).map(move |object| (workset, object.id, object.data.to_vec()))
    });
    objects.collect()
}

/// Something that somebody may do; the message for the others.
fn act(group: &mut Group<'_>, random: &mut Random) -> Option<Vec<u8>> {
    let mut buffer = [0; 400];
    let workset = random.below(2) as u8;
    let ids: Vec<ObjectId> = group.objects(workset).map(|object| object.id).collect();
    let id = ids.get(random.below(ids.len() as u64) as usize).copied();
    let len = 4 + random.below(40) as usize;
    let data = random.octets(len);
    let position = if random.chance(500) { Position::First } else { Position::Last };
    let written = match (random.below(20), id) {
        (0..8, _) | (_, None) => {
            group.add(workset, position, 4, &data, &mut buffer).map(|(_, len)| len)
        }
        (8..11, Some(id)) => group.replace(workset, id, &data, &mut buffer),
        (11..14, Some(id)) => group.update(workset, id, &data[..4], &mut buffer),
        (14..17, Some(id)) => group.move_to(workset, id, position, &mut buffer),
        (17..19, Some(id)) => group.delete(workset, id, &mut buffer),
        _ => group.clear(workset, &mut buffer),
    };
    written.ok().map(|len| buffer[..len].to_vec())
}

#[test]
fn nodes_that_have_got_the_same_messages_in_any_order_have_the_same_objects() {
    seeds(300, |seed| {
        let mut random = Random::new(seed);
        let mut groups: Vec<Group<'static>> =
            (0..4).map(|user| Group::growing(2, 1001 + user, 100_000)).collect();
        // What each node has not got yet, by who sent it: that keeps its order.
        let mut queues = vec![vec![Vec::<Vec<u8>>::new(); 4]; 4];
        for _ in 0..120 {
            let from = random.below(4) as usize;
            if let Some(octets) = act(&mut groups[from], &mut random) {
                for (to, queues) in queues.iter_mut().enumerate() {
                    if to != from {
                        queues[from].push(octets.clone());
                    }
                }
            }
            let (to, from) = (random.below(4) as usize, random.below(4) as usize);
            if !queues[to][from].is_empty() {
                let octets = queues[to][from].remove(0);
                groups[to].handle(&Message::parse(&octets).unwrap()).unwrap();
            }
        }
        for (group, queues) in groups.iter_mut().zip(&mut queues) {
            while queues.iter().any(|queue| !queue.is_empty()) {
                let from = random.below(4) as usize;
                if !queues[from].is_empty() {
                    let octets = queues[from].remove(0);
                    group.handle(&Message::parse(&octets).unwrap()).unwrap();
                }
            }
        }
        for group in &groups[1..] {
            assert_eq!(seen(group), seen(&groups[0]));
        }

        // Who comes now gets all of it, and goes on with the others.
        let late = ObjectId { sequence: 1, creator: 1009 };
        let (mut joiner, hello) = Joiner::new(1009, 2, late);
        assert!(matches!(hello.body, Body::Hello { .. }));
        let body = Body::Welcome { compression: NO_COMPRESSION };
        let request = joiner.handle(&Message { sender: 1003, body }).unwrap();
        let mut state = CatchUp::new(&request).unwrap();
        let mut group = Group::growing(2, 1009, 100_000);
        let mut buffer = [0; 400];
        while let Some(len) = groups[2].catch_up(&mut state, &mut buffer).unwrap() {
            let message = Message::parse(&buffer[..len]).unwrap();
            joiner.handle(&message);
            group.handle(&message).unwrap();
        }
        assert_eq!(joiner.state(), JoinState::Complete);
        assert_eq!(seen(&group), seen(&groups[0]));
        for _ in 0..20 {
            if let Some(octets) = act(&mut group, &mut random) {
                groups[0].handle(&Message::parse(&octets).unwrap()).unwrap();
            }
        }
        assert_eq!(seen(&group), seen(&groups[0]));
    });
}

#[test]
fn first_and_last_are_where_they_say() {
    let mut group = Group::growing(0, 1001, 10_000);
    let mut buffer = [0; 100];
    let mut add = |position, name: &[u8]| group.add(1, position, 0, name, &mut buffer).unwrap().0;
    let a = add(Position::Last, b"a");
    add(Position::Last, b"b");
    add(Position::First, b"c");
    add(Position::First, b"d");
    let names =
        |group: &Group<'_>| group.objects(1).flat_map(|o| o.data.to_vec()).collect::<Vec<_>>();
    assert_eq!(names(&group), b"dcab");
    group.move_to(1, a, Position::First, &mut buffer).unwrap();
    assert_eq!(names(&group), b"adcb");
    group.move_to(1, a, Position::Last, &mut buffer).unwrap();
    assert_eq!(names(&group), b"dcba");
    group.delete(1, a, &mut buffer).unwrap();
    assert_eq!(group.replace(1, a, b"x", &mut buffer), Err(Error::Unknown));
    group.clear(1, &mut buffer).unwrap();
    assert_eq!(names(&group), b"");
}

#[test]
fn lent_octets_hold_as_much_as_there_is() {
    let (mut octets, mut worksets) = ([0; 200], [WorksetSlot::default(); 1]);
    let mut group = Group::new(0, 1001, &mut octets, &mut worksets);
    let mut buffer = [0; 200];
    assert!(group.add(1, Position::Last, 0, b"abc", &mut buffer).is_ok());
    assert!(matches!(group.add(1, Position::Last, 0, &[0; 150], &mut buffer), Err(Error::Full(_))));
    assert!(matches!(group.create_workset(2, 0, false, &mut buffer), Err(Error::Full(_))));
    assert_eq!(group.objects(1).count(), 1);
}

#[test]
fn an_object_that_comes_in_parts_is_put_together() {
    let id = ObjectId { sequence: 1, creator: 1001 };
    let stamp = Stamp { generation: 1, user: 1001 };
    let (position, data) = (Position::Last, &b"abc"[..]);
    let operation = Operation::ObjectAdd { id, position, total_size: 8, update_size: 0, data };
    let body = Body::Operation { group: 0, workset: 1, stamp, operation };
    let first = written(&Message { sender: 1001, body });
    let more = |data| written(&Message { sender: 1001, body: Body::MoreData { data } });
    let mut group = Group::growing(0, 1002, 1000);
    let mut assembly = Assembly::growing(500);
    let other = written(&Message { sender: 1003, body: Body::MoreData { data: b"zz" } });
    for octets in [&more(b"lost"), &first, &more(b"de"), &other, &more(b"fgh")] {
        assembly.handle(5, octets, |message| group.handle(message)).unwrap();
    }
    assert!(group.objects(1).map(|object| object.data).eq([&b"abcdefgh"[..]]));
    let operation = Operation::ObjectAdd { id, position, total_size: 501, update_size: 0, data };
    let body = Body::Operation { group: 0, workset: 1, stamp, operation };
    let huge = written(&Message { sender: 1001, body });
    assert!(matches!(assembly.handle(5, &huge, |_| Ok(())), Err(Error::Full(_))));
}

#[test]
fn a_lock_is_held_when_all_have_granted_it_and_by_one_alone() {
    let users = [1001, 1002, 1003];
    let mut locks = users.map(|user| Lock::new(2, 1, user));
    assert_eq!(Lock::new(2, 1, 1001).request(&[]), Ok(None));
    // Two ask at once: the lower one gets it.
    let ask = |lock: &mut Lock, others: &[u16]| lock.request(others).unwrap().unwrap();
    let one = ask(&mut locks[0], &[1002, 1003]);
    let two = ask(&mut locks[1], &[1001, 1003]);
    let denied = locks[0].handle(&two).unwrap();
    let granted = locks[1].handle(&one).unwrap();
    assert!(matches!(denied.body, Body::Lock { kind: LockKind::Deny, .. }));
    locks[0].handle(&granted);
    assert_eq!(locks[0].state(), LockState::Asking);
    locks[1].handle(&denied);
    let third = locks[2].handle(&one).unwrap();
    locks[0].handle(&third);
    assert_eq!(locks[0].state(), LockState::Held);
    assert_eq!(locks[2].state(), LockState::HeldBy(1001));
    let unlock = locks[0].release().unwrap();
    locks[2].handle(&unlock);
    assert_eq!((locks[0].state(), locks[2].state()), (LockState::Free, LockState::Free));
    // Who leaves need not be waited for.
    let three = ask(&mut locks[2], &[1001, 1002]);
    let granted = locks[0].handle(&three).unwrap();
    locks[2].handle(&granted);
    locks[2].handle_left(1002);
    assert_eq!(locks[2].state(), LockState::Held);
    locks[0].handle_left(1003);
    assert_eq!(locks[0].state(), LockState::Free);
}
