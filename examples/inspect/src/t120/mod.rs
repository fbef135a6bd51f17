//! PDUs of the T.120 family: TPKT and X.224 (T.123), MCS (T.125), GCC (T.124),
//! application sharing (T.128).
//!
//! `value` is the PDU in the notation of its ASN.1, see [`notation`].

mod notation;
mod tree;

use core::fmt::Debug;

use clap::ValueEnum;
use serde_json::{Value, json};
use t120_core::error::{BufferTooSmall, ParseError, WriteError};
use t120_core::gcc::connect::{ConnectData, ConnectGccPdu};
use t120_core::gcc::pdu::GccPdu;
use t120_core::mcs::connect::{ConnectMcsPdu, DomainParameters};
use t120_core::mcs::domain::DomainMcsPdu;
use t120_core::mcs::v3;
use t120_core::mcs::{DataPriority, McsResult};
use t120_core::per;
use t120_core::sharing::SharePdu;
use t120_core::tpkt::{HEADER_LEN, Tpkt};
use t120_core::x224::{Connection, Tpdu};

use crate::report::{Fault, Fields, Report, grow, put};
use notation::Module;
use tree::Tree;

/// Which PDU the octets hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pdu {
    /// ConnectMCSPDU of T.125, in BER
    McsConnect,
    /// DomainMCSPDU of T.125, protocol version 2
    McsDomain,
    /// DomainMCSPDU of T.125, protocol version 3
    McsDomainV3,
    /// ConnectData of T.124, with the ConnectGCCPDU in it
    GccConnectData,
    /// ConnectGCCPDU of T.124
    GccConnect,
    /// GCCPDU of T.124
    Gcc,
    /// SharePDU of T.128, base mode
    T128,
    /// A TPKT with an X.224 TPDU in it
    Tpkt,
}

/// Decodes one PDU.
pub(crate) fn decode(pdu: Pdu, octets: &[u8]) -> Report {
    match pdu {
        Pdu::McsConnect => match ConnectMcsPdu::parse(octets) {
            Ok(pdu) => {
                let user_data = match &pdu {
                    ConnectMcsPdu::Initial(pdu) => pdu.user_data,
                    ConnectMcsPdu::Response(pdu) => pdu.user_data,
                    ConnectMcsPdu::Additional(_) | ConnectMcsPdu::Result(_) => &[],
                };
                let mut fields = fields("ConnectMCSPDU", connect(&pdu));
                if !user_data.is_empty()
                    && let Ok(data) = per::parse::<ConnectData<'_>>(user_data)
                {
                    let nested = shown(&data, Module::Gcc);
                    put(&mut fields, "connect_data", nested);
                    connect_gcc(&mut fields, &data);
                }
                let written = grow(1024, needed, |buffer| pdu.write(buffer));
                Report { error: None, fields, reencoded: written }
            }
            Err(error) => broken(error),
        },
        Pdu::McsDomain => {
            aligned::<DomainMcsPdu<'_>>("DomainMCSPDU", Module::Domain, octets, |_, _| {})
        }
        Pdu::McsDomainV3 => {
            aligned::<v3::DomainMcsPdu<'_>>("DomainMCSPDU", Module::Domain3, octets, |_, _| {})
        }
        Pdu::GccConnectData => {
            aligned::<ConnectData<'_>>("ConnectData", Module::Gcc, octets, |fields, data| {
                connect_gcc(fields, data);
            })
        }
        Pdu::GccConnect => {
            aligned::<ConnectGccPdu<'_>>("ConnectGCCPDU", Module::Gcc, octets, |_, _| {})
        }
        Pdu::Gcc => aligned::<GccPdu<'_>>("GCCPDU", Module::Gcc, octets, |_, _| {}),
        Pdu::T128 => aligned::<SharePdu<'_>>("SharePDU", Module::Sharing, octets, |_, _| {}),
        Pdu::Tpkt => tpkt(octets),
    }
}

fn broken(error: ParseError) -> Report {
    Report::broken(Fault::new(error, error.at))
}

fn fields(name: &str, value: Value) -> Fields {
    let mut fields = Fields::new();
    put(&mut fields, "pdu", name);
    put(&mut fields, "value", value);
    fields
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that `grow` asks for")]
fn needed(error: &BufferTooSmall) -> Option<usize> {
    Some(error.needed)
}

/// A PDU in aligned PER.
fn aligned<'a, T: per::Value<'a> + Debug>(
    name: &str,
    module: Module,
    octets: &'a [u8],
    more: impl FnOnce(&mut Fields, &T),
) -> Report {
    let pdu = match per::parse::<T>(octets) {
        Ok(pdu) => pdu,
        Err(error) => return broken(error),
    };
    let mut fields = fields(name, shown(&pdu, module));
    more(&mut fields, &pdu);
    let needed = |error: &WriteError| match error {
        WriteError::BufferTooSmall(error) => Some(error.needed),
        _ => None,
    };
    let reencoded = grow(octets.len(), needed, |buffer| per::write(&pdu, buffer));
    Report { error: None, fields, reencoded }
}

fn shown(value: &impl Debug, module: Module) -> Value {
    match Tree::of(value) {
        Some(tree) => notation::value(&tree, module),
        // A type with words of its own.
        None => format!("{value:?}").into(),
    }
}

/// What is inside the octet string of a ConnectData.
fn connect_gcc(fields: &mut Fields, data: &ConnectData<'_>) {
    let octets = data.connect_pdu.chunks().flatten().copied().collect::<Vec<_>>();
    let nested = match per::parse::<ConnectGccPdu<'_>>(&octets) {
        Ok(pdu) => shown(&pdu, Module::Gcc),
        Err(error) => json!({ "error": Fault::new(error, error.at).to_json() }),
    };
    put(fields, "connect_gcc_pdu", nested);
}

fn octets(octets: &[u8]) -> Value {
    json!({ "octets": hex::encode(octets) })
}

fn connect(pdu: &ConnectMcsPdu<'_>) -> Value {
    let (choice, value) = match pdu {
        ConnectMcsPdu::Initial(pdu) => (
            "connect-initial",
            json!({
                "callingDomainSelector": octets(pdu.calling_domain_selector),
                "calledDomainSelector": octets(pdu.called_domain_selector),
                "upwardFlag": pdu.upward_flag,
                "targetParameters": parameters(&pdu.target_parameters),
                "minimumParameters": parameters(&pdu.minimum_parameters),
                "maximumParameters": parameters(&pdu.maximum_parameters),
                "userData": octets(pdu.user_data),
            }),
        ),
        ConnectMcsPdu::Response(pdu) => (
            "connect-response",
            json!({
                "result": result(pdu.result),
                "calledConnectId": pdu.called_connect_id,
                "domainParameters": parameters(&pdu.domain_parameters),
                "userData": octets(pdu.user_data),
            }),
        ),
        ConnectMcsPdu::Additional(pdu) => (
            "connect-additional",
            json!({
                "calledConnectId": pdu.called_connect_id,
                "dataPriority": priority(pdu.data_priority),
            }),
        ),
        ConnectMcsPdu::Result(pdu) => ("connect-result", json!({ "result": result(pdu.result) })),
    };
    json!({ "choice": choice, "value": value })
}

fn result(result: McsResult) -> Value {
    notation::item(&format!("{result:?}"), Module::Domain, "result").into()
}

fn priority(priority: DataPriority) -> Value {
    notation::item(&format!("{priority:?}"), Module::Domain, "data_priority").into()
}

fn parameters(parameters: &DomainParameters) -> Value {
    json!({
        "maxChannelIds": parameters.max_channel_ids,
        "maxUserIds": parameters.max_user_ids,
        "maxTokenIds": parameters.max_token_ids,
        "numPriorities": parameters.num_priorities,
        "minThroughput": parameters.min_throughput,
        "maxHeight": parameters.max_height,
        "maxMCSPDUsize": parameters.max_mcs_pdu_size,
        "protocolVersion": parameters.protocol_version,
    })
}

fn tpkt(octets: &[u8]) -> Report {
    let tpkt = match Tpkt::parse(octets) {
        Ok(tpkt) => tpkt,
        Err(error) => return broken(error),
    };
    let tpdu = match Tpdu::parse(tpkt.payload) {
        Ok(tpdu) => tpdu,
        Err(error) => return Report::broken(Fault::new(error, HEADER_LEN + error.at)),
    };
    let value = json!({ "version": 3, "length": octets.len(), "tpdu": transport(&tpdu) });
    let reencoded =
        grow(tpdu.encoded_len(), needed, |buffer| tpdu.write(buffer)).and_then(|tpdu| {
            let tpkt = Tpkt { payload: &tpdu };
            grow(tpkt.encoded_len(), needed, |buffer| tpkt.write(buffer))
        });
    Report { error: None, fields: fields("TPKT", value), reencoded }
}

fn transport(tpdu: &Tpdu<'_>) -> Value {
    match tpdu {
        Tpdu::ConnectionRequest(connection) => connection_tpdu("CR", connection),
        Tpdu::ConnectionConfirm(connection) => connection_tpdu("CC", connection),
        Tpdu::DisconnectRequest { destination, source, reason, variable } => json!({
            "code": "DR",
            "destination_reference": destination,
            "source_reference": source,
            "reason": reason,
            "variable_part": octets(variable),
        }),
        Tpdu::Data { end_of_tsdu, user_data } => json!({
            "code": "DT",
            "eot": end_of_tsdu,
            "user_data": octets(user_data),
        }),
        Tpdu::Error { destination, cause, variable } => json!({
            "code": "ER",
            "destination_reference": destination,
            "reject_cause": cause,
            "variable_part": octets(variable),
        }),
        other => format!("{other:?}").into(),
    }
}

fn connection_tpdu(code: &str, connection: &Connection<'_>) -> Value {
    json!({
        "code": code,
        "destination_reference": connection.destination,
        "source_reference": connection.source,
        "class_option": connection.class_option,
        "tpdu_size": connection.tpdu_size,
        "variable_part": octets(connection.variable),
        "user_data": octets(connection.user_data),
    })
}
