//! Date (RFC 3261 section 20.17).

use super::Header;
use super::cursor::Cursor;
use crate::error::{Fault, ParseError};
use crate::message::{Name, Writer};

const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// When the message was first sent, in GMT (RFC 3261 section 20.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Date {
    /// The seconds since 1970-01-01 00:00:00 UTC, without leap seconds.
    pub unix_seconds: u64,
}

impl Date {
    /// Year, month (1 to 12), day (1 to 31) and day of the week (0 is Monday).
    fn civil(self) -> (u32, u8, u8, u8) {
        // Days are counted from 0000-03-01, so that the leap day ends a year.
        let days = self.unix_seconds / 86400;
        let weekday = ((days + 3) % 7) as u8;
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month + 2) / 5 + 1) as u8;
        let month = if month < 10 { month + 3 } else { month - 9 } as u8;
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        (u32::try_from(year).unwrap_or(u32::MAX), month, day, weekday)
    }

    /// `None` where there is no such day.
    fn from_civil(year: u32, month: u8, day: u8, seconds_of_day: u64) -> Option<Self> {
        let leap = year.is_multiple_of(if year.is_multiple_of(100) { 400 } else { 4 });
        let length = match month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=length).contains(&day) {
            return None;
        }
        let year = u64::from(year) - u64::from(month <= 2);
        let month = u64::from(if month > 2 { month - 3 } else { month + 9 });
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_year = (153 * month + 2) / 5 + u64::from(day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = (era * 146_097 + day_of_era).checked_sub(719_468)?;
        Some(Self { unix_seconds: days * 86400 + seconds_of_day })
    }
}

impl<'d> Header<'d> for Date {
    const NAME: Name<'static> = Name::Date;

    fn take(cursor: &mut Cursor<'d>) -> Result<Self, ParseError> {
        let start = cursor.offset();
        let error = ParseError::new(Fault::Date, start);
        let text = cursor.take_rest();
        let Some(
            [
                day_a,
                day_b,
                day_c,
                b',',
                b' ',
                d1,
                d2,
                b' ',
                month_a,
                month_b,
                month_c,
                b' ',
                y1,
                y2,
                y3,
                y4,
                b' ',
                h1,
                h2,
                b':',
                m1,
                m2,
                b':',
                s1,
                s2,
                b' ',
                zone @ ..,
            ],
        ) = text.first_chunk::<29>()
        else {
            return Err(error);
        };
        if zone != b"GMT" || text.len() != 29 {
            return Err(ParseError::new(Fault::Date, start + 26));
        }
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_u32, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
            })
        };
        let place = |names: &[&[u8; 3]], name: [u8; 3]| {
            names.iter().position(|known| known.eq_ignore_ascii_case(&name))
        };
        let read = || {
            place(&DAYS, [*day_a, *day_b, *day_c])?;
            let month = place(&MONTHS, [*month_a, *month_b, *month_c])? as u8 + 1;
            let day = u8::try_from(number(&[*d1, *d2])?).ok()?;
            let year = number(&[*y1, *y2, *y3, *y4])?;
            let (hour, minute, second) =
                (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
            if hour > 23 || minute > 59 || second > 60 {
                return None;
            }
            Self::from_civil(year, month, day, u64::from(hour * 3600 + minute * 60 + second))
        };
        read().ok_or(error)
    }

    fn write(&self, to: &mut Writer<'_>) {
        let (year, month, day, weekday) = self.civil();
        let second = (self.unix_seconds % 86400) as u32;
        let two = |number: u32| [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        to.fixed(DAYS.get(usize::from(weekday)).map_or(b"", |name| name.as_slice()));
        to.fixed(b", ");
        to.fixed(&two(day.into()));
        to.fixed(b" ");
        to.fixed(MONTHS.get(usize::from(month - 1)).map_or(b"", |name| name.as_slice()));
        to.fixed(b" ");
        to.fixed(&two(year / 100));
        to.fixed(&two(year));
        for (separator, part) in
            [(b" ", second / 3600), (b":", second / 60 % 60), (b":", second % 60)]
        {
            to.fixed(separator);
            to.fixed(&two(part));
        }
        to.fixed(b" GMT");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(date: Date) -> std::string::String {
        let mut buffer = [0; 40];
        let mut writer = Writer::new(&mut buffer);
        date.write(&mut writer);
        std::string::String::from_utf8(writer.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn dates_go_both_ways() {
        for (text, unix_seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sat, 15 Oct 2005 04:44:56 GMT", 1_129_351_496),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
            ("Thu, 31 Dec 2099 23:59:59 GMT", 4_102_444_799),
        ] {
            assert_eq!(Date::parse(text.as_bytes()), Ok(Date { unix_seconds }), "{text}");
            assert_eq!(written(Date { unix_seconds }), text);
        }
    }

    #[test]
    fn every_day_of_four_centuries_goes_both_ways() {
        for day in 0..146_097 {
            let date = Date { unix_seconds: day * 86400 + 1 };
            assert_eq!(Date::parse(written(date).as_bytes()), Ok(date));
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 01 Jan 2010 16:00:00",
            "Fri, 31 Feb 2010 16:00:00 GMT",
            "Fri, 00 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "Fri, 01 Jan 1969 00:00:00 GMT",
            "Foo, 01 Jan 2010 16:00:00 GMT",
            "Fri, 01 Foo 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 16:00:00 GMTx",
            "",
        ] {
            assert_eq!(Date::parse(text.as_bytes()).unwrap_err().what, Fault::Date, "{text}");
        }
    }
}
