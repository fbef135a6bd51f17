//! A phone in 40 lines: it calls or is called, and hangs up.
//!
//! ```
//! use std::error::Error;
//! use std::net::UdpSocket;
//! use std::time::{Duration, Instant};
//!
//! use sip_core::agent::{Account, Agent, Config, End, Event, Storage};
//! use sip_core::transaction::SentBy;
//! use sip_core::transport::Path;
//!
//! const SESSION: Option<(&[u8], &[u8])> = Some((b"application/sdp", b"v=0\r\n")); // see `sdp`
//!
//! fn phone(socket: &UdpSocket, me: &Account, callee: Option<&str>) -> Result<End, Box<dyn Error>> {
//!     // One account, two calls, four subscriptions, 16 transactions and 16384 octets for them.
//!     let mut storage = Storage::<1, 2, 4, 16, 16384>::new();
//!     let config = Config::new(SentBy::all(socket.local_addr()?));
//!     let mut agent = Agent::new(config, &mut storage, [42; 32])?; // a seed of true randomness
//!     let me = agent.add_account(me)?;
//!     let epoch = Instant::now();
//!     if let Some(uri) = callee {
//!         agent.invite(epoch.elapsed(), me, uri.as_bytes(), SESSION)?;
//!     }
//!     let (mut buffer, mut over) = ([0; Agent::BUFFER], None);
//!     loop {
//!         while let Some(transmit) = agent.poll_transmit(epoch.elapsed(), &mut buffer) {
//!             socket.send_to(&buffer[..transmit.len], transmit.path.remote)?;
//!         }
//!         if let Some(end) = over {
//!             return Ok(end);
//!         }
//!         let wait = agent.poll_timeout().map(|at| at.saturating_sub(epoch.elapsed()));
//!         socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
//!         let received = socket.recv_from(&mut buffer);
//!         let now = epoch.elapsed();
//!         agent.handle_timeout(now);
//!         let mut next = match received {
//!             Ok((len, from)) => agent.handle_datagram(now, Path::udp(from), &buffer[..len])?,
//!             Err(_) => agent.poll_event(), // the time has come
//!         };
//!         while let Some(event) = next {
//!             match event {
//!                 Event::Incoming { call, .. } => agent.answer(now, call, SESSION)?,
//!                 Event::Answered { call, .. } => agent.hang_up(now, call)?,
//!                 Event::Ended { end, .. } => over = Some(end),
//!                 _ => {}
//!             }
//!             next = agent.poll_event();
//!         }
//!     }
//! }
//!
//! // Bob waits for a call, and Alice calls him.
//! let (alice, bob) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
//! let uri = format!("sip:bob@{}", bob.local_addr()?);
//! let bob = std::thread::spawn(move || {
//!     let bob = phone(&bob, &Account::new(b"sip:bob@example.com"), None);
//!     bob.map_err(|error| error.to_string())
//! });
//! assert_eq!(phone(&alice, &Account::new(b"sip:alice@example.com"), Some(&uri))?, End::Local);
//! assert_eq!(bob.join().unwrap()?, End::Remote);
//! # Ok::<(), Box<dyn Error>>(())
//! ```
//!
//! With a server the account says so, and is registered: `Account::new(…).over(path, password)` and
//! [`Agent::register`](crate::agent::Agent::register); registrations are refreshed by themselves then,
//! and challenges answered. What else an agent does is on the page of [`agent`](crate::agent): hold and
//! transfer, messages, subscriptions, presence.
