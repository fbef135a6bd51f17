//! RTCP of the host's own.

use super::*;
use crate::rtcp::{
    ExtendedBlock, ExtendedReport, NackPair, PayloadFeedback, PayloadMessage, TransportFeedback,
    TransportMessage, VoipMetrics,
};

#[test]
fn feedback_goes_out_at_once_behind_a_report_or_alone() {
    let mut session = session(config("a@b"), 31);
    let pairs = [NackPair { first: 7, others: 1 }];
    let nack = rtcp::Packet::TransportFeedback(TransportFeedback {
        sender: session.ssrc(),
        media: Ssrc(5),
        message: TransportMessage::Nack((&pairs).into()),
    });
    let picture = rtcp::Packet::PayloadFeedback(PayloadFeedback {
        sender: session.ssrc(),
        media: Ssrc(5),
        message: PayloadMessage::PictureLoss,
    });
    let mut buffer = [0; 100];
    let packets = [nack, picture];
    let sent = session.feedback(ms(10), Compounding::Minimal, &packets, &mut buffer).unwrap();
    assert_eq!(sent.path, Path::rtcp(address(9001)));
    let compound = Compound::parse(&buffer[..sent.len]).unwrap();
    compound.check().unwrap();
    let all: Vec<_> = compound.packets().map(Result::unwrap).collect();
    assert!(matches!(all[0], rtcp::Packet::ReceiverReport(report) if report.blocks.is_empty()));
    assert!(matches!(all[1], rtcp::Packet::SourceDescription(_)));
    assert_eq!(all[2..], packets);

    let mut buffer = [0; 16];
    let small = Compounding::ReducedSize;
    let sent = session.feedback(ms(11), small, &[nack], &mut buffer).unwrap();
    let lone = Compound::parse(&buffer[..sent.len]).unwrap();
    assert_eq!((sent.len, lone.packets().next()), (16, Some(Ok(nack))));
    let too_small = session.feedback(ms(12), small, &packets, &mut buffer);
    assert_eq!(too_small, Err(BufferTooSmall { needed: 28 }.into()));
    assert_eq!(session.statistics().rtcp_sent, 2);

    session.set_remote(ms(13), None, None);
    let nowhere = session.feedback(ms(13), small, &[nack], &mut buffer);
    assert_eq!(nowhere, Err(Error::NoDestination));
    session.leave(ms(14));
    let left = session.feedback(ms(14), small, &[nack], &mut buffer);
    assert_eq!(left, Err(Error::Left));
}

#[test]
fn feedback_makes_reports_rarer_as_it_takes_their_bandwidth() {
    let interval = |feedback: bool| {
        let mut session = session(Config { rtcp_bandwidth: 400, ..config("a@b") }, 32);
        let mut buffer = [0; 1500];
        let data = [0; 1200];
        let packet = rtcp::Packet::Application(rtcp::Application {
            ssrc: session.ssrc(),
            subtype: 0,
            name: *b"test",
            data: &data,
        });
        session.handle_timeout(ms(0));
        if feedback {
            for _ in 0..20 {
                let compounding = Compounding::Minimal;
                session.feedback(ms(1), compounding, &[packet], &mut buffer).unwrap();
            }
        }
        let first = session.poll_timeout().unwrap();
        session.handle_timeout(first);
        session.poll_timeout().map_or(0, |next| (next - first).as_millis())
    };
    assert!(interval(true) > interval(false) + 5000);
}

#[test]
fn an_extended_report_goes_out_with_a_report_and_never_behind_a_goodbye() {
    let mut session = session(config("a@b"), 33);
    let mut buffer = [0; Session::BUFFER_LEN];
    let blocks = [ExtendedBlock::VoipMetrics(VoipMetrics::default())];
    let extended = ExtendedReport { ssrc: session.ssrc(), blocks: blocks[..].into() };
    let extended = rtcp::Packet::ExtendedReport(extended);
    session.handle_timeout(ms(0));
    let (now, report) = loop {
        let now = session.poll_timeout().unwrap();
        session.handle_timeout(now);
        if let Some(report) = session.poll_transmit(now, &mut buffer) {
            break (now, report);
        }
    };
    let before = session.statistics().rtcp_octets_sent;
    let longer = session.append(report, &extended, &mut buffer).unwrap();
    assert_eq!((longer.path, longer.len), (report.path, report.len + 44));
    assert_eq!(session.statistics().rtcp_octets_sent, before + 44);
    let last = Compound::parse(&buffer[..longer.len]).unwrap().packets().last();
    assert_eq!(last, Some(Ok(extended)));
    let needed = report.len + 44;
    let short = session.append(report, &extended, &mut buffer[..report.len + 43]);
    assert_eq!(short, Err(BufferTooSmall { needed }.into()));

    session.leave(now);
    let goodbye = session.poll_transmit(now, &mut buffer).unwrap();
    assert_eq!(session.append(goodbye, &extended, &mut buffer), Err(Error::Left));
}
