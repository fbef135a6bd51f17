//! A proxy in 40 lines: it relays calls and messages between the users of a domain, wherever they are
//! registered, and stays in the dialogs that it has helped to set up.
//!
//! ```
//! use std::error::Error;
//! use std::net::UdpSocket;
//! use std::time::{Duration, Instant};
//!
//! use sip_core::auth::Algorithm;
//! use sip_core::server::{Config, Event, Ha1, Listen, Server, Storage, TRANSMIT_BUFFER, Users};
//! use sip_core::transport::{Path, Transport};
//!
//! struct Directory;
//!
//! impl Users for Directory {
//!     fn ha1(&self, user: &[u8]) -> Option<Ha1> {
//!         // Here a database would be asked for the hash.
//!         let hash = || Algorithm::Sha256.ha1(user, b"example.com", b"secret");
//!         let known = [&b"alice"[..], b"bob"].contains(&user);
//!         known.then(|| Ha1 { sha256: Some(hash()), ..Ha1::default() })
//!     }
//! }
//!
//! fn proxy(socket: &UdpSocket) -> Result<(), Box<dyn Error>> {
//!     let address = socket.local_addr()?;
//!     let listen = [Listen { local: 0, transport: Transport::Udp, address }];
//!     let mut storage = Box::new(Storage::<8, 8, 8, 16, 64, 131072>::new());
//!     let config = Config::new("example.com", &listen);
//!     let mut server = Server::new(config, Directory, &mut storage, [7; 32])?; // true randomness
//!     let (epoch, mut buffer) = (Instant::now(), vec![0; TRANSMIT_BUFFER]);
//!     loop {
//!         while let Some(transmit) = server.poll_transmit(epoch.elapsed(), &mut buffer) {
//!             socket.send_to(&buffer[..transmit.len], transmit.path.remote)?;
//!         }
//!         while server.poll_event().is_some() {}
//!         let wait = server.poll_timeout().map(|at| at.saturating_sub(epoch.elapsed()));
//!         socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
//!         let received = socket.recv_from(&mut buffer);
//!         server.handle_timeout(epoch.elapsed());
//!         let Ok((len, from)) = received else { continue };
//!         match server.handle_datagram(epoch.elapsed(), Path::udp(from), &buffer[..len]) {
//!             Ok(Some(Event::Relayed { method, branches, .. })) => {
//!                 println!("{} to {branches}", method.as_bytes().escape_ascii());
//!             }
//!             Ok(_) => {}
//!             Err(error) => eprintln!("{from}: {error}"),
//!         }
//!     }
//! }
//!
//! // Bob and Alice register; then Alice calls Bob, and hangs up once he has answered.
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let address = socket.local_addr()?;
//! std::thread::spawn(move || proxy(&socket).unwrap());
//! # use sip_core::agent::{self, Account, Agent, End, Event as Told};
//! # type Done = Result<End, Box<dyn Error>>;
//! # fn phone(name: &str, server: std::net::SocketAddr, callee: Option<&str>, ready: &dyn Fn()) -> Done {
//! #     let socket = UdpSocket::bind("127.0.0.1:0")?;
//! #     let mut storage = agent::Storage::<1, 2, 1, 16, 16384>::new();
//! #     let sent_by = sip_core::transaction::SentBy::all(socket.local_addr()?);
//! #     let mut agent = Agent::new(agent::Config::new(sent_by), &mut storage, [name.len() as u8; 32])?;
//! #     let address = format!("sip:{name}@example.com");
//! #     let account = Account::new(address.as_bytes()).over(Path::udp(server), b"secret");
//! #     let account = agent.add_account(&account)?;
//! #     let (epoch, mut buffer, mut over) = (Instant::now(), [0; Agent::BUFFER], None);
//! #     agent.register(epoch.elapsed(), account)?;
//! #     loop {
//! #         while let Some(transmit) = agent.poll_transmit(epoch.elapsed(), &mut buffer) {
//! #             socket.send_to(&buffer[..transmit.len], transmit.path.remote)?;
//! #         }
//! #         if let Some(end) = over {
//! #             return Ok(end);
//! #         }
//! #         socket.set_read_timeout(Some(Duration::from_millis(50)))?;
//! #         let received = socket.recv_from(&mut buffer);
//! #         let now = epoch.elapsed();
//! #         agent.handle_timeout(now);
//! #         let mut next = match received {
//! #             Ok((len, from)) => agent.handle_datagram(now, Path::udp(from), &buffer[..len])?,
//! #             Err(_) => agent.poll_event(),
//! #         };
//! #         while let Some(event) = next {
//! #             match event {
//! #                 Told::Registered { .. } => {
//! #                     ready();
//! #                     if let Some(uri) = callee {
//! #                         agent.invite(now, account, uri.as_bytes(), None)?;
//! #                     }
//! #                 }
//! #                 Told::Incoming { call, .. } => agent.answer(now, call, None)?,
//! #                 Told::Answered { call, .. } => agent.hang_up(now, call)?,
//! #                 Told::Ended { end, .. } => over = Some(end),
//! #                 _ => {}
//! #             }
//! #             next = agent.poll_event();
//! #         }
//! #     }
//! # }
//! # let (tell, told) = std::sync::mpsc::channel();
//! # let bob = std::thread::spawn(move || {
//! #     phone("bob", address, None, &|| tell.send(()).unwrap()).map_err(|error| error.to_string())
//! # });
//! # told.recv()?;
//! # let alice = phone("alice", address, Some("sip:bob@example.com"), &|| {})?;
//! assert_eq!((alice, bob.join().unwrap()?), (End::Local, End::Remote));
//! # Ok::<(), Box<dyn Error>>(())
//! ```
//!
//! A proxy that follows rules of its own is made of [`transaction::Layer`](crate::transaction::Layer),
//! which repeats and matches what it is given, and of [`message::Editor`](crate::message::Editor), which
//! changes a message without touching the rest of it.
