//! A user agent over one UDP socket, with nothing but the standard library:
//!
//! ```text
//! agent LISTEN answer                        answers each call, until it is ended
//! agent LISTEN call URI [SECONDS]            calls, and hangs up after SECONDS
//! agent LISTEN message URI TEXT              sends an instant message
//! agent LISTEN register AOR PASSWORD SERVER  registers, and answers calls
//! ```

use core::error::Error;
use core::time::Duration;
use std::net::UdpSocket;
use std::time::Instant;

use sip_core::agent::{Account, Agent, CallId, Config, Event, Storage};
use sip_core::message::StatusCode;
use sip_core::transaction::SentBy;
use sip_core::transport::Path;

const SDP: &[u8] = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                     m=audio 5350 RTP/AVP 0\r\n";
const SESSION: Option<(&[u8], &[u8])> = Some((b"application/sdp", SDP));

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [listen, command @ ..] = arguments.as_slice() else {
        return Err("see the top of agent.rs".into());
    };
    let socket = UdpSocket::bind(listen)?;
    // Each call holds two transactions for half a minute after its end: room for 8 calls a second.
    let mut storage = Storage::<1, 64, 4, 512, 262144>::new();
    let config = Config::new(SentBy::all(socket.local_addr()?));
    let mut agent = Agent::new(config, &mut storage, seed())?;
    let epoch = Instant::now();
    let mut account = Account::new(b"sip:agent@127.0.0.1");
    account.takes_all = true;
    let mut hang_up_after = None;
    let mut calling: Option<CallId> = None;
    match command {
        ["answer"] => {
            agent.add_account(&account)?;
        }
        ["call", uri, rest @ ..] => {
            let id = agent.add_account(&account)?;
            calling = Some(agent.invite(epoch.elapsed(), id, uri.as_bytes(), SESSION)?);
            let seconds = rest.first().map_or(Ok(2), |text| text.parse())?;
            hang_up_after = Some(Duration::from_secs(seconds));
        }
        ["message", uri, text] => {
            let id = agent.add_account(&account)?;
            agent.message(epoch.elapsed(), id, uri.as_bytes(), b"text/plain", text.as_bytes())?;
        }
        ["register", address, password, server] => {
            account.address = address.as_bytes();
            let account = account.over(Path::udp(server.parse()?), password.as_bytes());
            let id = agent.add_account(&account)?;
            agent.register(epoch.elapsed(), id)?;
        }
        _ => return Err("see the top of agent.rs".into()),
    }
    let mut hang_up_at = None;
    let mut buffer = [0; 4096];
    loop {
        let now = epoch.elapsed();
        while let Some(transmit) = agent.poll_transmit(now, &mut buffer) {
            socket.send_to(&buffer[..transmit.len], transmit.path.remote)?;
        }
        while let Some(event) = agent.poll_event() {
            if told(&mut agent, now, event)? {
                return Ok(());
            }
        }
        let wait = [agent.poll_timeout(), hang_up_at].into_iter().flatten().min();
        let wait = wait.map(|at| at.saturating_sub(now).max(Duration::from_millis(1)));
        socket.set_read_timeout(wait)?;
        if let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let now = epoch.elapsed();
            match agent.handle_datagram(now, Path::udp(from), &buffer[..len]) {
                Ok(Some(event)) => {
                    if matches!(event, Event::Answered { .. }) {
                        hang_up_at = hang_up_after.map(|wait| now + wait);
                    }
                    if told(&mut agent, now, event)? {
                        return Ok(());
                    }
                }
                Ok(None) => {}
                Err(error) => eprintln!("{from}: {error}"),
            }
        }
        agent.handle_timeout(epoch.elapsed());
        if let Some(call) = calling.filter(|_| hang_up_at.is_some_and(|at| at <= epoch.elapsed())) {
            hang_up_at = None;
            agent.hang_up(epoch.elapsed(), call)?;
        }
    }
}

/// Does what an event asks for; `true` where nothing is left to do.
fn told(agent: &mut Agent<'_>, now: Duration, event: Event<'_>) -> Result<bool, Box<dyn Error>> {
    match event {
        Event::Incoming { call, .. } => {
            println!("incoming {call:?}");
            agent.ring(now, call, StatusCode::RINGING, None)?;
            agent.answer(now, call, SESSION)?;
        }
        Event::Reinvited { call, .. } => agent.answer(now, call, SESSION)?,
        Event::Message { message, .. } => println!("message {}", message.body().escape_ascii()),
        Event::Registered { expires, .. } => println!("registered for {expires:?}"),
        Event::Answered { .. } => println!("answered"),
        Event::Ended { end, .. } => {
            println!("ended {end:?}");
            return Ok(std::env::args().nth(2).is_some_and(|command| command == "call"));
        }
        Event::Response { message, .. } => {
            println!("answered {:?}", message.code());
            return Ok(true);
        }
        other => println!("{}", format!("{other:?}").split(' ').next().unwrap_or_default()),
    }
    Ok(false)
}

/// A seed that differs from run to run; firmware takes its own generator's.
fn seed() -> [u8; 32] {
    use core::hash::{BuildHasher, Hasher};
    let mut seed = [0; 32];
    for place in seed.chunks_exact_mut(8) {
        let number = std::hash::RandomState::new().build_hasher().finish();
        place.copy_from_slice(&number.to_ne_bytes());
    }
    seed
}
