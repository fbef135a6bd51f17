//! An image that links only if no panic path is left in the wire layers.
//!
//! It reads and writes what the four crates read and write: SIP with its typed headers, Digest, SDP
//! and presence documents; RTP and RTCP; TFTP; TPKT, X.224, MCS, GCC, whiteboard and application
//! sharing. Its panic handler calls a function that does not exist, so that one slice index, one
//! division or one copy which the compiler cannot prove to be good leaves a call of the handler, and
//! the linker refuses the image. Messenger's invitations are not in it: the Base64 of their keys comes
//! from a crate that indexes slices.
//!
//! The proof is made with the options that the phone is built with:
//!
//! ```console
//! $ cargo build --release --features panic-free --bin panic-free        # links
//! $ cargo build --release --features deliberate-panic --bin panic-free  # must not link
//! ```
//!
//! The octets that are read come from memory which the compiler knows nothing of, and all that is
//! made of them goes where it cannot follow, so that it leaves nothing out. The image is not run.
//!
//! To see where a panic path is, link all the same, and look who calls `core::panicking`:
//!
//! ```console
//! $ cargo rustc --release --features panic-free --bin panic-free -- \
//!     -C link-arg=--defsym=a_panic_path_is_left_in_the_wire_layers=0
//! $ arm-none-eabi-objdump -dC target/thumbv7m-none-eabi/release/panic-free
//! ```

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use rtp_core::extension::{Element, ExtensionMap, Form};
use rtp_core::packet::Packet as RtpPacket;
use rtp_core::payload::telephone_event::TelephoneEvent;
use rtp_core::rtcp;
use sip_core::auth::{Account, Challenge, Nonces, ReplayWindow, Response, Secret, strongest};
use sip_core::header::*;
use sip_core::message::{Framer, Limits, Message, Method, Name, StatusCode, Writer};
use sip_core::presence::{IsComposing, Pidf};
use sip_core::sdp;
use sip_core::uri::{Host, Scheme, Uri};
use t120_core::gcc::connect::{ConnectData, ConnectGccPdu};
use t120_core::gcc::pdu::GccPdu;
use t120_core::mcs::connect::ConnectMcsPdu;
use t120_core::mcs::data::Data;
use t120_core::mcs::domain::DomainMcsPdu;
use t120_core::sharing::SharePdu;
use t120_core::whiteboard::pdu::SiPdu;
use t120_core::{tpkt, x224};
use tftp_core::netascii;

/// What arrives, and where what is sent is put.
static ARRIVED: [u8; 1500] = [0; 1500];

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut sent = [0; 1500];
    loop {
        sip_message(arrived(), &mut sent);
        sip_stream(arrived());
        sip_written(arrived(), &mut sent);
        digest(arrived(), &mut sent);
        session_description(arrived(), &mut sent);
        presence(arrived(), &mut sent);
        rtp(arrived(), &mut sent);
        control(arrived(), &mut sent);
        tftp(arrived(), &mut sent);
        conference(arrived(), &mut sent);
        #[cfg(feature = "deliberate-panic")]
        used(&arrived()[usize::from(sent[0])..]);
    }
}

/// Octets of any length and content.
#[inline(never)]
fn arrived() -> &'static [u8] {
    black_box(&ARRIVED).get(..black_box(0)).unwrap_or_default()
}

/// A number that the compiler does not know.
fn number() -> u32 {
    black_box(0)
}

/// Keeps what was made from being left out.
fn used<T: ?Sized>(value: &T) {
    black_box(value);
}

fn sip_message(octets: &[u8], buffer: &mut [u8]) {
    let message = match Message::parse(octets) {
        Ok(message) => message,
        Err(error) => {
            used(&error);
            let Some(message) = Message::salvage(octets) else { return };
            message
        }
    };
    used(&(message.start(), message.method(), message.code(), message.is_version_2()));
    used(&message.body());
    if let Some(Ok(uri)) = message.request_uri() {
        use_uri(&uri);
    }
    let mut writer = Writer::new(buffer);
    for row in message.headers() {
        used(&row.check());
        used(row.name.long());
        used(&row.name.compact());
        writer.row(&row);
    }
    every_header(&message, &mut writer);
    used(&writer.finish());
}

/// Reads each type of header, and writes it again.
fn every_header(message: &Message<'_>, to: &mut Writer<'_>) {
    macro_rules! each {
        ($($type:ty),* $(,)?) => { $(header::<$type>(message, to);)* };
    }
    each! {
        Accept<'_>, AcceptEncoding<'_>, AcceptLanguage<'_>, Allow<'_>, AllowEvents<'_>,
        AuthenticationInfo<'_>, Authorization<'_>, CSeq<'_>, CallId<'_>, Contact<'_>,
        ContentDisposition<'_>, ContentEncoding<'_>, ContentLanguage<'_>, ContentLength,
        ContentType<'_>, Date, Event<'_>, Expires, From<'_>, InReplyTo<'_>, MaxBreadth, MaxForwards,
        MinExpires, MinSe<'_>, Organization<'_>, PAssertedIdentity<'_>, PPreferredIdentity<'_>,
        Path<'_>, ProxyAuthenticate<'_>, ProxyAuthenticationInfo<'_>, ProxyAuthorization<'_>,
        ProxyRequire<'_>, RAck<'_>, RSeq, Reason<'_>, RecordRoute<'_>, ReferTo<'_>, ReferredBy<'_>,
        Replaces<'_>, ReplyTo<'_>, Require<'_>, RetryAfter<'_>, Route<'_>, Server<'_>,
        ServiceRoute<'_>, SessionExpires<'_>, SipEtag<'_>, SipIfMatch<'_>, Subject<'_>,
        SubscriptionState<'_>, Supported<'_>, To<'_>, Unsupported<'_>, UserAgent<'_>, Via<'_>,
        Warning<'_>, WwwAuthenticate<'_>,
    }
    if let Some(Ok(via)) = message.typed::<Via<'_>>() {
        used(&(via.received(), via.maddr(), via.ttl(), via.has_unique_branch()));
        to.header(&via.with_received([192, 0, 2, 1].into(), 5060));
        to.header(&via.with_received([0, 0, 0, 0, 0, 0, 0, number() as u16].into(), 5060));
    }
    if let Some(Ok(contact)) = message.typed::<Contact<'_>>() {
        used(&(contact.expires(), contact.q_thousandths(), contact.instance()));
    }
    if let Some(Ok(from)) = message.typed::<From<'_>>() {
        used(&(from.display(), from.tag()));
        to.header(&from.with_display(message.body()).with_tag(message.body()));
        if let Some(display) = from.display() {
            let mut text = [0; 32];
            used(&display.copy_to(&mut text));
        }
    }
    if let Some(Ok(state)) = message.typed::<SubscriptionState<'_>>() {
        used(&(state.expires(), state.retry_after(), state.is_active()));
    }
    if let Some(Ok(reason)) = message.typed::<Reason<'_>>() {
        used(&reason.cause());
    }
}

#[inline(never)]
fn header<'d, T: Header<'d>>(message: &Message<'d>, to: &mut Writer<'_>) {
    match message.typed::<T>() {
        Some(Ok(value)) => to.header(&value),
        Some(Err(error)) => used(&error),
        None => {}
    }
    for value in message.all::<T>().flatten() {
        to.header(&value);
    }
}

fn use_uri(uri: &Uri<'_>) {
    used(&(uri.user(), uri.password(), uri.host(), uri.port(), uri.opaque()));
    used(&(uri.param(b"transport"), uri.is_loose_router(), uri.same(uri)));
    for pair in uri.headers() {
        used(&pair);
    }
}

fn sip_stream(octets: &[u8]) {
    let limits = Limits { head_octets: number() as usize, body_octets: number() as usize };
    used(&Message::parse_stream(octets, &limits));
    let mut framer = Framer::new();
    loop {
        match framer.next(octets, &limits) {
            Ok(Some((used_octets, message))) => used(&(used_octets, message)),
            Ok(None) => break,
            Err(error) => return used(&error),
        }
    }
}

/// Writes a request and a response from parts that are made, not read.
fn sip_written(octets: &[u8], buffer: &mut [u8]) {
    let user = match sip_core::uri::escape_user(octets, buffer) {
        Ok(user) => user.len(),
        Err(error) => return used(&error),
    };
    used(&user);
    let uri = match Uri::parse(octets) {
        Ok(uri) => uri,
        Err(error) => {
            used(&error);
            let host = Host::parse(octets).unwrap_or(Host::Name(octets));
            Uri::new(Scheme::Sip, host).with_user(octets).with_port(Some(number() as u16))
        }
    };
    use_uri(&uri);
    let mut writer = Writer::new(buffer);
    writer.request(Method::from_token(octets), &uri);
    let host = Host::V4(number().into());
    writer.header(&Via::new(octets, host, Some(number() as u16), octets).with_rport());
    writer.header(&Contact::new(uri.with_params(octets)));
    writer.header(&Date { unix_seconds: u64::from(number()) << 32 | u64::from(number()) });
    writer.list(&[Supported(octets), Supported(octets)]);
    writer.raw(Name::parse(octets), octets);
    writer.raw_number(Name::Expires, number());
    let written = writer.body_with(octets, |room| {
        for (place, octet) in room.iter_mut().zip(octets) {
            *place = *octet;
        }
        Ok(room.len().min(octets.len()))
    });
    used(&written);
    let Some(code) = StatusCode::new(number() as u16) else { return };
    let mut writer = Writer::new(buffer);
    writer.response(code, None);
    used(&writer.body(octets, octets));
}

fn digest(octets: &[u8], buffer: &mut [u8]) {
    let Ok(message) = Message::parse(octets) else { return };
    let mut writer = Writer::new(buffer);
    let challenges = message.all::<WwwAuthenticate<'_>>().flatten().map(|challenge| challenge.0);
    if let Some(challenge) = strongest(challenges) {
        let account = Account { user: octets, password: octets };
        let answer = challenge.answer(&account, octets, octets, octets, octets, number());
        answer.write_row(Name::Authorization, &mut writer);
        challenge.write_row(Name::WwwAuthenticate, &mut writer);
    }
    let now = core::time::Duration::from_millis(number().into());
    let nonces = Nonces::new([number() as u8; 32], Nonces::LIFETIME);
    let nonce = nonces.make(now, number().into());
    Challenge::new(octets, nonce.as_bytes(), sip_core::auth::Algorithm::Sha256)
        .write_row(Name::ProxyAuthenticate, &mut writer);
    let mut window = ReplayWindow::new();
    for credentials in message.all::<Authorization<'_>>().flatten() {
        if let Some(Ok(response)) = Response::parse(&credentials.0) {
            used(&(nonces.check(now, response.nonce), window.accept(response.count())));
            used(&response.verify(Secret::Password(octets), octets, octets));
        }
    }
    used(&writer.finish());
}

fn session_description(octets: &[u8], buffer: &mut [u8]) {
    let session = match sdp::Session::parse(octets) {
        Ok(session) => session,
        Err(error) => return used(&error),
    };
    used(&(session.origin(), session.connection(), session.line(b'b')));
    for media in session.media() {
        used(
            &session
                .connection_of(&media)
                .map(|connection| (connection.ip(), connection.is_hold())),
        );
        used(&(session.direction(&media), media.ptime_ms(), media.rtcp()));
        for payload_type in media.payload_types() {
            used(&(media.rtpmap(payload_type), media.fmtp(payload_type)));
        }
        for attribute in media.attributes() {
            used(&attribute);
        }
        for crypto in media.crypto() {
            used(&crypto.has_demands());
            crypto.inline_keys().for_each(used);
        }
        for format in media.formats() {
            used(format);
        }
    }
    used(&session.write(buffer));
    let mut writer = sdp::Writer::new(buffer);
    let address = core::net::IpAddr::V4(number().into());
    writer.start(octets, number().into(), u64::MAX - u64::from(number()), address);
    writer.connection(address);
    writer.time(number(), number());
    writer.media(octets, number() as u16, octets, octets);
    writer.rtp_media(b"audio", number() as u16, b"RTP/AVP", octets.iter().copied());
    writer.rtpmap(number() as u8, octets, number(), number() as u8);
    writer.fmtp(number() as u8, octets);
    writer.ptime_ms(number());
    writer.crypto(&sdp::Crypto {
        tag: number(),
        suite: octets,
        key_params: octets,
        session_params: octets,
    });
    writer.rtcp(number() as u16, Some(address));
    writer.direction(sdp::Direction::new(number() == 1, number() == 2));
    writer.line(number() as u8, octets);
    used(&writer.finish());
}

fn presence(octets: &[u8], buffer: &mut [u8]) {
    match Pidf::parse(octets) {
        Ok(document) => {
            used(&document.basic());
            used(&document.write(buffer));
        }
        Err(error) => used(&error),
    }
    match IsComposing::parse(octets) {
        Ok(document) => used(&document.write(buffer)),
        Err(error) => used(&error),
    }
}

fn rtp(octets: &[u8], buffer: &mut [u8]) {
    let packet = match RtpPacket::parse(octets) {
        Ok(packet) => packet,
        Err(error) => return used(&error),
    };
    used(&(packet.csrcs.get(number() as usize), packet.marker, packet.ssrc));
    used(&packet.write(buffer));
    used(&packet.write_header(buffer));
    if let Some(extension) = packet.extension {
        let map = ExtensionMap::new();
        for element in extension.elements() {
            used(&(element, map.name(element.id)));
        }
        for value in map.values(&extension) {
            let mut scratch = [0; 4];
            used(&map.element(&value, &mut scratch));
        }
        let form = if number() == 1 { Form::OneByte } else { Form::TwoByte };
        let elements = [Element { id: number() as u8, data: octets }; 2];
        used(&rtp_core::extension::write_elements(form, &elements, buffer));
    }
    if let Ok(event) = TelephoneEvent::parse(packet.payload) {
        used(&event.write(buffer));
    }
}

fn control(octets: &[u8], buffer: &mut [u8]) {
    let compound = match rtcp::Compound::parse(octets) {
        Ok(compound) => compound,
        Err(error) => return used(&error),
    };
    used(&compound.check());
    for packet in compound.packets() {
        let packet = match packet {
            Ok(packet) => packet,
            Err(error) => return used(&error),
        };
        use_control(&packet);
        used(&packet.write(buffer));
    }
    let mut pairs = [rtcp::NackPair { first: 0, others: 0 }; 4];
    let missing = octets.iter().map(|octet| u16::from(*octet));
    used(&rtcp::NackPair::pack(missing, &mut pairs));
}

/// Reads what stands inside an RTCP packet.
fn use_control(packet: &rtcp::Packet<'_>) {
    match packet {
        rtcp::Packet::SenderReport(report) => {
            report.blocks.iter().for_each(|block| used(&block));
            report.profile_blocks().for_each(|block| used(&block.bandwidth()));
        }
        rtcp::Packet::ReceiverReport(report) => {
            report.blocks.iter().for_each(|block| used(&block));
            report.profile_blocks().for_each(|block| used(&block.bandwidth()));
        }
        rtcp::Packet::SourceDescription(description) => {
            for chunk in description.chunks.iter() {
                used(&chunk.cname());
                chunk.items.iter().for_each(|item| used(&(item.text(), item.private())));
            }
        }
        rtcp::Packet::Goodbye(goodbye) => goodbye.sources.iter().for_each(|ssrc| used(&ssrc)),
        rtcp::Packet::TransportFeedback(feedback) => match &feedback.message {
            rtcp::TransportMessage::Nack(pairs) => {
                pairs.iter().flat_map(rtcp::NackPair::sequence_numbers).for_each(|n| used(&n));
            }
            rtcp::TransportMessage::TransportWide(report) => {
                report.packets.iter().for_each(|packet| used(&packet));
            }
            other => used(other),
        },
        rtcp::Packet::ExtendedReport(report) => {
            report.blocks.iter().for_each(|block| used(&block));
        }
        other => used(other),
    }
}

fn tftp(octets: &[u8], buffer: &mut [u8]) {
    let packet = match tftp_core::Packet::parse(octets) {
        Ok(packet) => packet,
        Err(error) => return used(&error),
    };
    if let tftp_core::Packet::Request(request) = &packet {
        used(&(request.options.known(), request.mode.name()));
        request.options.iter().for_each(|option| used(&option));
    }
    if let tftp_core::Packet::Oack(options) = &packet {
        let asked = tftp_core::OptionSet { blksize: Some(number() as u16), ..Default::default() };
        used(&(options.granted(&asked), asked.check()));
    }
    used(&packet.write(buffer));
    used(&netascii::Encoder::new().encode(octets, buffer));
    used(&netascii::Decoder::new().decode(octets, buffer));
}

fn conference(octets: &[u8], buffer: &mut [u8]) {
    used(&tpkt::frame_len(octets));
    let packet = match tpkt::Tpkt::parse(octets) {
        Ok(packet) => packet,
        Err(error) => return used(&error),
    };
    used(&packet.write(buffer));
    let unit = match x224::Tpdu::parse(packet.payload) {
        Ok(unit) => unit,
        Err(error) => return used(&error),
    };
    used(&unit.write(buffer));
    let x224::Tpdu::Data { user_data, .. } = unit else { return };
    match ConnectMcsPdu::parse(user_data) {
        Ok(pdu) => used(&pdu.write(buffer)),
        Err(error) => used(&error),
    }
    match Data::parse(user_data) {
        Ok(pdu) => {
            used(&pdu.write(buffer));
            used(&pdu.write_packet(buffer));
            pdu.user_data.chunks().for_each(used);
        }
        Err(error) => used(&error),
    }
    per::<DomainMcsPdu<'_>>(user_data, buffer);
    per::<t120_core::mcs::v3::DomainMcsPdu<'_>>(user_data, buffer);
    per::<ConnectData<'_>>(user_data, buffer);
    per::<ConnectGccPdu<'_>>(user_data, buffer);
    per::<GccPdu<'_>>(user_data, buffer);
    per::<SiPdu<'_>>(user_data, buffer);
    per::<SharePdu<'_>>(user_data, buffer);
}

fn per<'a, T: t120_core::per::Value<'a>>(octets: &'a [u8], buffer: &mut [u8]) {
    match t120_core::per::parse::<T>(octets) {
        Ok(pdu) => {
            used(&t120_core::per::encoded_len(&pdu));
            used(&t120_core::per::write(&pdu, buffer));
        }
        Err(error) => used(&error),
    }
}

unsafe extern "C" {
    /// Is nowhere: whoever calls it cannot be linked.
    fn a_panic_path_is_left_in_the_wire_layers() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    // SAFETY: an image with this call does not link, so it is never made.
    unsafe { a_panic_path_is_left_in_the_wire_layers() }
}
