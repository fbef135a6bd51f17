//! A registrar in 40 lines: it lets in whoever knows the password, and remembers where they are.
//!
//! ```
//! use std::error::Error;
//! use std::net::UdpSocket;
//! use std::time::{Duration, Instant};
//!
//! use sip_core::auth::Algorithm;
//! use sip_core::server::{Account, Config, Ha1, Listen, Server, Storage, TRANSMIT_BUFFER};
//! use sip_core::transport::{Path, Transport};
//!
//! fn registrar(socket: &UdpSocket) -> Result<(), Box<dyn Error>> {
//!     // Of a password only its hash is kept: RFC 7616 calls it HA1.
//!     let hash = Algorithm::Sha256.ha1(b"alice", b"example.com", b"secret");
//!     let ha1 = Ha1 { sha256: Some(hash), ..Ha1::default() };
//!     let users = [Account { name: b"alice", ha1 }];
//!     let address = socket.local_addr()?;
//!     let listen = [Listen { local: 0, transport: Transport::Udp, address }];
//!     // Bindings, publications, subscriptions, requests under way, transactions, octets for these.
//!     let mut storage = Box::new(Storage::<8, 8, 8, 8, 32, 65536>::new());
//!     let mut config = Config::new("example.com", &listen);
//!     config.registrar.max_expires_s = 600;
//!     // The seed is to be of true randomness.
//!     let mut server = Server::new(config, &users[..], &mut storage, [7; 32])?;
//!     let (epoch, mut buffer) = (Instant::now(), vec![0; TRANSMIT_BUFFER]);
//!     loop {
//!         while let Some(transmit) = server.poll_transmit(epoch.elapsed(), &mut buffer) {
//!             socket.send_to(&buffer[..transmit.len], transmit.path.remote)?;
//!         }
//!         while let Some(event) = server.poll_event() {
//!             println!("{event:?}"); // who was not heard of in time, say
//!         }
//!         let wait = server.poll_timeout().map(|at| at.saturating_sub(epoch.elapsed()));
//!         socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
//!         let received = socket.recv_from(&mut buffer);
//!         server.handle_timeout(epoch.elapsed());
//!         let Ok((len, from)) = received else { continue };
//!         match server.handle_datagram(epoch.elapsed(), Path::udp(from), &buffer[..len]) {
//!             Ok(Some(event)) => println!("{event:?}"), // who is here, and where
//!             Ok(None) => {}
//!             Err(error) => eprintln!("{from}: {error}"),
//!         }
//!     }
//! }
//!
//! // Alice registers; with another password she is refused.
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let address = socket.local_addr()?;
//! std::thread::spawn(move || registrar(&socket).unwrap());
//! # use sip_core::agent::{self, Agent, Event};
//! # fn register(server: std::net::SocketAddr, password: &[u8]) -> Result<bool, Box<dyn Error>> {
//! #     let socket = UdpSocket::bind("127.0.0.1:0")?;
//! #     let mut storage = agent::Storage::<1, 1, 1, 8, 8192>::new();
//! #     let sent_by = sip_core::transaction::SentBy::all(socket.local_addr()?);
//! #     let mut agent = Agent::new(agent::Config::new(sent_by), &mut storage, [1; 32])?;
//! #     let account = agent::Account::new(b"sip:alice@example.com");
//! #     let account = agent.add_account(&account.over(Path::udp(server), password))?;
//! #     let (epoch, mut buffer) = (Instant::now(), [0; Agent::BUFFER]);
//! #     agent.register(epoch.elapsed(), account)?;
//! #     loop {
//! #         while let Some(transmit) = agent.poll_transmit(epoch.elapsed(), &mut buffer) {
//! #             socket.send_to(&buffer[..transmit.len], transmit.path.remote)?;
//! #         }
//! #         socket.set_read_timeout(Some(Duration::from_millis(50)))?;
//! #         let received = socket.recv_from(&mut buffer);
//! #         agent.handle_timeout(epoch.elapsed());
//! #         let Ok((len, from)) = received else { continue };
//! #         match agent.handle_datagram(epoch.elapsed(), Path::udp(from), &buffer[..len])? {
//! #             Some(Event::Registered { .. }) => return Ok(true),
//! #             Some(Event::RegistrationFailed { .. }) => return Ok(false),
//! #             _ => {}
//! #         }
//! #     }
//! # }
//! assert!(register(address, b"secret")?);
//! assert!(!register(address, b"guess")?);
//! # Ok::<(), Box<dyn Error>>(())
//! ```
//!
//! The same machine relays calls and messages between its users, and tells who is present: see
//! [`server`](crate::server). [`Registrar`](crate::server::registrar::Registrar) stands alone, too, over
//! any store that is a [`Location`](crate::server::location::Location).
