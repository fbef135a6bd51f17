//! Tables that read like ASN.1 and become types.
//!
//! ```text
//! sequence! { Name<'a> extensible { req one: u16, opt two: bool, add three: Integer } }
//! choice! { Name<'a> extensible 2 { 0 One(u16), 1 Two } additions { 0 Three(Integer) } }
//! enumerated! { Name extensible 2 { 0 One, 1 Two } }
//! integer! { Name: u16 = 1, 65535 }
//! ```
//!
//! `req`, `opt` and `add` are components that are required, OPTIONAL, and extension additions.

macro_rules! extensible {
    (extensible) => {
        true
    };
    (closed) => {
        false
    };
}

macro_rules! field {
    (req $type:ty) => {
        $type
    };
    ($optional:ident $type:ty) => {
        Option<$type>
    };
}

macro_rules! sequence {
    (
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? $extensible:ident {
            $($(#[$field_meta:meta])* $kind:ident $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name $(<$life>)? {
            $($(#[$field_meta])* pub $field: $crate::per::macros::field!($kind $type),)*
        }

        impl<'a> $crate::per::Value<'a> for $name $(<$life>)? {
            #[allow(unused_mut, unused_variables)]
            fn read(
                reader: &mut $crate::per::Reader<'a>,
            ) -> Result<Self, $crate::error::ParseError> {
                let extended =
                    $crate::per::macros::extensible!($extensible) && reader.bit()?;
                $(let $field = $crate::per::macros::presence!($kind reader);)*
                $(let mut $field: $crate::per::macros::field!($kind $type) =
                    $crate::per::macros::root!($kind $field reader $type);)*
                if extended {
                    let mut additions = reader.additions()?;
                    $($crate::per::macros::addition!($kind $field reader additions $type);)*
                    additions.skip_rest(reader)?;
                }
                Ok(Self { $($field),* })
            }

            #[allow(unused_variables)]
            fn write(&self, writer: &mut $crate::per::Writer<'_>) {
                let extended = false
                    $(|| $crate::per::macros::has_addition!($kind self.$field))*;
                if $crate::per::macros::extensible!($extensible) {
                    writer.bit(extended);
                }
                $($crate::per::macros::write_presence!($kind self.$field, writer);)*
                $($crate::per::macros::write_root!($kind self.$field, writer);)*
                if extended {
                    let count = 0 $(+ $crate::per::macros::count!($kind))*;
                    writer.additions(count);
                    $($crate::per::macros::write_addition_bit!($kind self.$field, writer);)*
                    $($crate::per::macros::write_addition!($kind self.$field, writer);)*
                }
            }
        }

        $crate::per::macros::conversions!($name $(<$life>)?);
    };
}

macro_rules! conversions {
    ($name:ident) => {
        impl $name {
            /// Reads one that fills `octets`.
            ///
            /// # Errors
            /// What is wrong, and where.
            pub fn parse(octets: &[u8]) -> Result<Self, $crate::error::ParseError> {
                $crate::per::parse(octets)
            }

            /// How many octets the encoding has.
            pub fn encoded_len(&self) -> usize {
                $crate::per::encoded_len(self)
            }

            /// Writes the encoding to the start of `buffer`; returns its length in octets.
            ///
            /// # Errors
            /// The buffer is too small, or a value lies outside its type.
            pub fn write(&self, buffer: &mut [u8]) -> Result<usize, $crate::error::WriteError> {
                $crate::per::write(self, buffer)
            }
        }
    };
    ($name:ident<$life:lifetime>) => {
        impl<$life> $name<$life> {
            /// Reads one that fills `octets`.
            ///
            /// # Errors
            /// What is wrong, and where.
            pub fn parse(octets: &$life [u8]) -> Result<Self, $crate::error::ParseError> {
                $crate::per::parse(octets)
            }

            /// How many octets the encoding has.
            pub fn encoded_len(&self) -> usize {
                $crate::per::encoded_len(self)
            }

            /// Writes the encoding to the start of `buffer`; returns its length in octets.
            ///
            /// # Errors
            /// The buffer is too small, or a value lies outside its type.
            pub fn write(&self, buffer: &mut [u8]) -> Result<usize, $crate::error::WriteError> {
                $crate::per::write(self, buffer)
            }
        }
    };
}

macro_rules! presence {
    (opt $reader:ident) => {
        $reader.bit()?
    };
    ($other:ident $reader:ident) => {
        ()
    };
}

macro_rules! root {
    (req $field:ident $reader:ident $type:ty) => {
        <$type as $crate::per::Value<'a>>::read($reader)?
    };
    (opt $field:ident $reader:ident $type:ty) => {
        if $field { Some(<$type as $crate::per::Value<'a>>::read($reader)?) } else { None }
    };
    (add $field:ident $reader:ident $type:ty) => {
        None
    };
}

macro_rules! addition {
    (add $field:ident $reader:ident $additions:ident $type:ty) => {
        if $additions.next_is_present() {
            $field = Some(<$type as $crate::per::Value<'a>>::read(&mut $reader.open()?)?);
        }
    };
    ($other:ident $field:ident $reader:ident $additions:ident $type:ty) => {};
}

macro_rules! has_addition {
    (add $self:ident.$field:ident) => {
        $self.$field.is_some()
    };
    ($other:ident $self:ident.$field:ident) => {
        false
    };
}

macro_rules! write_presence {
    (opt $self:ident.$field:ident, $writer:ident) => {
        $writer.bit($self.$field.is_some());
    };
    ($other:ident $self:ident.$field:ident, $writer:ident) => {};
}

macro_rules! write_root {
    (req $self:ident.$field:ident, $writer:ident) => {
        $crate::per::Value::write(&$self.$field, $writer);
    };
    (opt $self:ident.$field:ident, $writer:ident) => {
        if let Some(value) = &$self.$field {
            $crate::per::Value::write(value, $writer);
        }
    };
    (add $self:ident.$field:ident, $writer:ident) => {};
}

macro_rules! count {
    (add) => {
        1
    };
    ($other:ident) => {
        0
    };
}

macro_rules! write_addition_bit {
    (add $self:ident.$field:ident, $writer:ident) => {
        $writer.bit($self.$field.is_some());
    };
    ($other:ident $self:ident.$field:ident, $writer:ident) => {};
}

macro_rules! write_addition {
    (add $self:ident.$field:ident, $writer:ident) => {
        if let Some(value) = &$self.$field {
            $writer.open(value);
        }
    };
    ($other:ident $self:ident.$field:ident, $writer:ident) => {};
}

macro_rules! choice {
    (
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? $extensible:ident $roots:literal {
            $($(#[$root_meta:meta])* $index:literal $variant:ident $(($type:ty))?,)*
        } $(additions {
            $($(#[$more_meta:meta])* $more_index:literal $more:ident $(($more_type:ty))?,)*
        })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[allow(clippy::large_enum_variant)]
        #[non_exhaustive]
        pub enum $name $(<$life>)? {
            $($(#[$root_meta])* $variant $(($type))?,)*
            $($($(#[$more_meta])* $more $(($more_type))?,)*)?
        }

        impl<'a> $crate::per::Value<'a> for $name $(<$life>)? {
            fn read(
                reader: &mut $crate::per::Reader<'a>,
            ) -> Result<Self, $crate::error::ParseError> {
                let at = reader.error($crate::error::Fault::UnknownAlternative);
                let extensible = $crate::per::macros::extensible!($extensible);
                match reader.index(extensible, $roots)? {
                    $((false, $index) => Ok(Self::$variant
                        $((<$type as $crate::per::Value<'a>>::read(reader)?))?),)*
                    $($((true, $more_index) => {
                        #[allow(unused_mut, unused_variables)]
                        let mut open = reader.open()?;
                        Ok(Self::$more
                            $((<$more_type as $crate::per::Value<'a>>::read(&mut open)?))?)
                    })*)?
                    _ => Err(at),
                }
            }

            fn write(&self, writer: &mut $crate::per::Writer<'_>) {
                let extensible = $crate::per::macros::extensible!($extensible);
                match self {
                    $($crate::per::macros::pattern!($variant value $(($type))?) => {
                        writer.index(extensible, $index, $roots);
                        $($crate::per::macros::write_value!(value writer $type);)?
                    })*
                    $($($crate::per::macros::pattern!($more value $(($more_type))?) => {
                        writer.addition_index($more_index);
                        $crate::per::macros::write_open!(value writer $(($more_type))?);
                    })*)?
                }
            }
        }

        $crate::per::macros::conversions!($name $(<$life>)?);
    };
}

macro_rules! pattern {
    ($variant:ident $value:ident) => {
        Self::$variant
    };
    ($variant:ident $value:ident ($type:ty)) => {
        Self::$variant($value)
    };
}

macro_rules! write_value {
    ($value:ident $writer:ident $type:ty) => {
        $crate::per::Value::write($value, $writer)
    };
}

macro_rules! write_open {
    ($value:ident $writer:ident) => {{
        // An open type that holds NULL is one octet of zero.
        $writer.length(1);
        $writer.bits(0, 8);
    }};
    ($value:ident $writer:ident ($type:ty)) => {
        $writer.open($value)
    };
}

macro_rules! enumerated {
    (
        $(#[$meta:meta])*
        $name:ident $extensible:ident $roots:literal {
            $($(#[$item_meta:meta])* $index:literal $item:ident,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$item_meta])* $item,)*
        }

        impl $name {
            /// The number of the standard.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$item => $index,)*
                }
            }

            /// The item with this number.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number {
                    $($index => Some(Self::$item),)*
                    _ => None,
                }
            }
        }

        impl<'a> $crate::per::Value<'a> for $name {
            fn read(
                reader: &mut $crate::per::Reader<'a>,
            ) -> Result<Self, $crate::error::ParseError> {
                let at = reader.error($crate::error::Fault::UnknownAlternative);
                match reader.index($crate::per::macros::extensible!($extensible), $roots)? {
                    (false, index) => Self::from_number(u64::from(index)).ok_or(at),
                    (true, _) => Err(at),
                }
            }

            fn write(&self, writer: &mut $crate::per::Writer<'_>) {
                let extensible = $crate::per::macros::extensible!($extensible);
                writer.index(extensible, u32::from(self.number()), $roots);
            }
        }
    };
}

macro_rules! integer {
    ($(#[$meta:meta])* $name:ident: $type:ty = $min:literal, $max:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name($type);

        impl $name {
            /// The lowest value.
            pub const MIN: Self = Self($min);
            /// The highest value.
            pub const MAX: Self = Self($max);

            /// The number, if it lies within the bounds.
            #[allow(unused_comparisons, clippy::manual_range_contains)]
            pub const fn new(value: $type) -> Option<Self> {
                if value < $min || value > $max { None } else { Some(Self(value)) }
            }

            /// The number.
            pub const fn value(self) -> $type {
                self.0
            }
        }

        impl<'a> $crate::per::Value<'a> for $name {
            fn read(
                reader: &mut $crate::per::Reader<'a>,
            ) -> Result<Self, $crate::error::ParseError> {
                Ok(Self(reader.constrained($min, $max)? as $type))
            }

            fn write(&self, writer: &mut $crate::per::Writer<'_>) {
                writer.constrained(i64::from(self.0), $min, $max);
            }
        }
    };
}

pub(crate) use {
    addition, choice, conversions, count, enumerated, extensible, field, has_addition, integer,
    pattern, presence, root, sequence, write_addition, write_addition_bit, write_open,
    write_presence, write_root, write_value,
};
