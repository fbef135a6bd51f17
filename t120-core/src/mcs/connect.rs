//! The PDUs that set an MCS connection up, in BER (T.125 section 7, part 2).

use super::{DataPriority, McsResult};
use crate::ber::{Reader, Tag, Writer, length_len, unsigned_len};
use crate::error::{BufferTooSmall, Fault, ParseError};

/// `DomainParameters` (T.125 section 7): what all providers of a domain agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DomainParameters {
    /// How many channels may be in use, static, user, private and assigned ones together.
    pub max_channel_ids: u32,
    /// How many users may be attached.
    pub max_user_ids: u32,
    /// How many tokens may be in use.
    pub max_token_ids: u32,
    /// How many transport connections make up an MCS connection.
    pub num_priorities: u32,
    /// The enforced throughput, in octets per second.
    pub min_throughput: u32,
    /// How high the tree may be.
    pub max_height: u32,
    /// How long a domain MCSPDU may be, in octets.
    pub max_mcs_pdu_size: u32,
    /// 1, 2 or 3.
    pub protocol_version: u32,
}

impl DomainParameters {
    /// The lowest value of each parameter that T.125 allows, for version 2.
    pub const MINIMUM: Self = Self {
        max_channel_ids: 1,
        max_user_ids: 1,
        max_token_ids: 0,
        num_priorities: 1,
        min_throughput: 0,
        max_height: 1,
        max_mcs_pdu_size: 124,
        protocol_version: 2,
    };

    const fn numbers(&self) -> [u32; 8] {
        [
            self.max_channel_ids,
            self.max_user_ids,
            self.max_token_ids,
            self.num_priorities,
            self.min_throughput,
            self.max_height,
            self.max_mcs_pdu_size,
            self.protocol_version,
        ]
    }

    const fn from_numbers(numbers: [u32; 8]) -> Self {
        let [channels, users, tokens, priorities, throughput, height, size, version] = numbers;
        Self {
            max_channel_ids: channels,
            max_user_ids: users,
            max_token_ids: tokens,
            num_priorities: priorities,
            min_throughput: throughput,
            max_height: height,
            max_mcs_pdu_size: size,
            protocol_version: version,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        let mut contents = reader.value(Tag::SEQUENCE)?;
        let mut numbers = [0; 8];
        for number in &mut numbers {
            let value = contents.unsigned(Tag::INTEGER)?;
            // No limit of this implementation is beyond 32 bits, and a peer's needs not be known
            // more exactly than "beyond all".
            *number = u32::try_from(value).unwrap_or(u32::MAX);
        }
        contents.end()?;
        Ok(Self::from_numbers(numbers))
    }

    fn contents_len(&self) -> usize {
        self.numbers().iter().map(|number| 2 + unsigned_len(u64::from(*number))).sum()
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.header(Tag::SEQUENCE, self.contents_len());
        for number in self.numbers() {
            writer.unsigned(Tag::INTEGER, u64::from(number));
        }
    }

    /// Each parameter of `self` moved into the range that `minimum` and `maximum` leave, or `None`
    /// where they leave none (T.125 section 11.1).
    pub fn within(&self, minimum: &Self, maximum: &Self) -> Option<Self> {
        let mut numbers = self.numbers();
        let bounds = minimum.numbers().into_iter().zip(maximum.numbers());
        for (number, (low, high)) in numbers.iter_mut().zip(bounds) {
            if low > high {
                return None;
            }
            *number = (*number).clamp(low, high);
        }
        Some(Self::from_numbers(numbers))
    }

    /// The greater of each parameter.
    #[must_use]
    pub fn raised_to(&self, other: &Self) -> Self {
        let mut numbers = self.numbers();
        for (number, other) in numbers.iter_mut().zip(other.numbers()) {
            *number = (*number).max(other);
        }
        Self::from_numbers(numbers)
    }

    /// The lesser of each parameter.
    #[must_use]
    pub fn lowered_to(&self, other: &Self) -> Self {
        let mut numbers = self.numbers();
        for (number, other) in numbers.iter_mut().zip(other.numbers()) {
            *number = (*number).min(other);
        }
        Self::from_numbers(numbers)
    }
}

/// `Connect-Initial`: asks for an MCS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectInitial<'a> {
    /// The domain on the caller's side; means something only there.
    pub calling_domain_selector: &'a [u8],
    /// The domain on the called side; means something only there.
    pub called_domain_selector: &'a [u8],
    /// The called provider is to be the higher one.
    pub upward_flag: bool,
    /// What the caller would like.
    pub target_parameters: DomainParameters,
    /// What it needs at least.
    pub minimum_parameters: DomainParameters,
    /// What it takes at most.
    pub maximum_parameters: DomainParameters,
    /// GCC's ConnectData.
    pub user_data: &'a [u8],
}

/// `Connect-Response`: the answer to [`ConnectInitial`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectResponse<'a> {
    /// Whether the connection is made.
    pub result: McsResult,
    /// Names this connection in a [`ConnectAdditional`].
    pub called_connect_id: u32,
    /// The parameters of the domain.
    pub domain_parameters: DomainParameters,
    /// GCC's ConnectData.
    pub user_data: &'a [u8],
}

/// `Connect-Additional`: adds a transport connection for another priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectAdditional {
    /// The MCS connection that it belongs to.
    pub called_connect_id: u32,
    /// The priority of what it carries.
    pub data_priority: DataPriority,
}

/// `Connect-Result`: the answer to [`ConnectAdditional`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConnectResult {
    /// Whether the transport connection is taken.
    pub result: McsResult,
}

/// `ConnectMCSPDU` (T.125 section 7, part 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[allow(clippy::large_enum_variant)]
pub enum ConnectMcsPdu<'a> {
    /// `connect-initial`.
    Initial(ConnectInitial<'a>),
    /// `connect-response`.
    Response(ConnectResponse<'a>),
    /// `connect-additional`.
    Additional(ConnectAdditional),
    /// `connect-result`.
    Result(ConnectResult),
}

const INITIAL: Tag = Tag::application(101);
const RESPONSE: Tag = Tag::application(102);
const ADDITIONAL: Tag = Tag::application(103);
const RESULT: Tag = Tag::application(104);

fn read_result(reader: &mut Reader<'_>) -> Result<McsResult, ParseError> {
    let at = reader.error(Fault::UnknownAlternative);
    McsResult::from_number(reader.unsigned(Tag::ENUMERATED)?).ok_or(at)
}

fn read_u32(reader: &mut Reader<'_>) -> Result<u32, ParseError> {
    let at = reader.error(Fault::OutOfRange);
    u32::try_from(reader.unsigned(Tag::INTEGER)?).map_err(|_| at)
}

fn string_len(octets: &[u8]) -> usize {
    1 + length_len(octets.len()) + octets.len()
}

fn parameters_len(parameters: &DomainParameters) -> usize {
    let contents = parameters.contents_len();
    1 + length_len(contents) + contents
}

impl<'a> ConnectMcsPdu<'a> {
    /// Reads the PDU that fills `octets`.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(octets: &'a [u8]) -> Result<Self, ParseError> {
        let mut outer = Reader::new(octets);
        let tag = { outer }.tag()?;
        let mut reader = outer.value(tag)?;
        outer.end()?;
        let pdu = match tag {
            INITIAL => Self::Initial(ConnectInitial {
                calling_domain_selector: reader.octet_string()?,
                called_domain_selector: reader.octet_string()?,
                upward_flag: reader.boolean()?,
                target_parameters: DomainParameters::read(&mut reader)?,
                minimum_parameters: DomainParameters::read(&mut reader)?,
                maximum_parameters: DomainParameters::read(&mut reader)?,
                user_data: reader.octet_string()?,
            }),
            RESPONSE => Self::Response(ConnectResponse {
                result: read_result(&mut reader)?,
                called_connect_id: read_u32(&mut reader)?,
                domain_parameters: DomainParameters::read(&mut reader)?,
                user_data: reader.octet_string()?,
            }),
            ADDITIONAL => {
                let called_connect_id = read_u32(&mut reader)?;
                let at = reader.error(Fault::UnknownAlternative);
                let priority = reader.unsigned(Tag::ENUMERATED)?;
                let data_priority = DataPriority::from_number(priority).ok_or(at)?;
                Self::Additional(ConnectAdditional { called_connect_id, data_priority })
            }
            RESULT => Self::Result(ConnectResult { result: read_result(&mut reader)? }),
            _ => return Err(ParseError { what: Fault::UnexpectedTag, at: 0 }),
        };
        reader.end()?;
        Ok(pdu)
    }

    fn contents_len(&self) -> usize {
        let number = |value: u32| 2 + unsigned_len(u64::from(value));
        match self {
            Self::Initial(pdu) => {
                string_len(pdu.calling_domain_selector)
                    + string_len(pdu.called_domain_selector)
                    + 3
                    + parameters_len(&pdu.target_parameters)
                    + parameters_len(&pdu.minimum_parameters)
                    + parameters_len(&pdu.maximum_parameters)
                    + string_len(pdu.user_data)
            }
            Self::Response(pdu) => {
                3 + number(pdu.called_connect_id)
                    + parameters_len(&pdu.domain_parameters)
                    + string_len(pdu.user_data)
            }
            Self::Additional(pdu) => number(pdu.called_connect_id) + 3,
            Self::Result(_) => 3,
        }
    }

    /// How many octets the encoding has.
    pub fn encoded_len(&self) -> usize {
        let contents = self.contents_len();
        2 + length_len(contents) + contents
    }

    /// Writes the encoding (DER) to the start of `buffer`; returns its length in octets.
    ///
    /// # Errors
    /// The buffer is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, BufferTooSmall> {
        let room = buffer.len();
        let mut writer = Writer::new(buffer);
        let tag = match self {
            Self::Initial(_) => INITIAL,
            Self::Response(_) => RESPONSE,
            Self::Additional(_) => ADDITIONAL,
            Self::Result(_) => RESULT,
        };
        writer.header(tag, self.contents_len());
        match self {
            Self::Initial(pdu) => {
                writer.octet_string(pdu.calling_domain_selector);
                writer.octet_string(pdu.called_domain_selector);
                writer.boolean(pdu.upward_flag);
                pdu.target_parameters.write(&mut writer);
                pdu.minimum_parameters.write(&mut writer);
                pdu.maximum_parameters.write(&mut writer);
                writer.octet_string(pdu.user_data);
            }
            Self::Response(pdu) => {
                writer.unsigned(Tag::ENUMERATED, u64::from(pdu.result.number()));
                writer.unsigned(Tag::INTEGER, u64::from(pdu.called_connect_id));
                pdu.domain_parameters.write(&mut writer);
                writer.octet_string(pdu.user_data);
            }
            Self::Additional(pdu) => {
                writer.unsigned(Tag::INTEGER, u64::from(pdu.called_connect_id));
                writer.unsigned(Tag::ENUMERATED, u64::from(pdu.data_priority.number()));
            }
            Self::Result(pdu) => {
                writer.unsigned(Tag::ENUMERATED, u64::from(pdu.result.number()));
            }
        }
        let needed = writer.octets();
        if needed > room { Err(BufferTooSmall { needed }) } else { Ok(needed) }
    }
}
