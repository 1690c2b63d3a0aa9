//! The one date form that HTTP senders may write today (IMF-fixdate), as Unix seconds.

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Sun, 06 Nov 1994 08:49:37 GMT` -> 784111777; anything else is `None`, and so is a time before 1970.
pub(super) fn unix_seconds(text: &str) -> Option<u64> {
    let rest = text.trim().split_once(", ")?.1;
    let mut parts = rest.split(' ');
    let day: u64 = parts.next()?.parse().ok()?;
    let month_name = parts.next()?;
    let month = u64::try_from(MONTHS.iter().position(|name| *name == month_name)?).ok()?;
    let year: u64 = parts.next()?.parse().ok()?;
    let mut clock = parts.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if parts.next() != Some("GMT") || parts.next().is_some() || clock.next().is_some() {
        return None;
    }
    if !(1..=31).contains(&day) || !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    days.checked_mul(86_400)?.checked_add(hour * 3_600 + minute * 60 + second)
}

/// Days of the proleptic Gregorian calendar; the year is counted from March so that the leap day comes last.
fn days_since_epoch(year: u64, month: u64, day: u64) -> Option<u64> {
    let (shifted_year, shifted_month) = if month < 2 { (year.checked_sub(1)?, month + 10) } else { (year, month - 2) };
    let days_before_month = (153 * shifted_month + 2) / 5;
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    (shifted_year * 365 + leap_days + days_before_month + day - 1).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Wed, 25 Nov 2026 10:00:00 GMT", 1_795_600_800),
        ] {
            assert_eq!(unix_seconds(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_dates() {
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 99 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(unix_seconds(text), None, "{text}");
        }
    }
}
