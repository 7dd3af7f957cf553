//! Reading a timeout, strictly or leniently.

use super::{Format, MILLI, SECOND, TimeoutProblem, prefer};
use crate::text::{split_once, trim};
use std::time::Duration;

/// More than any header of a timeout needs; the rest of a longer one is not looked at.
const LOOK: usize = 1_024;

/// Digits of formats that name no limit: 10^16 ms are 300,000 years.
const DIGITS: usize = 16;

pub(super) fn strict(format: Format, value: &[u8]) -> Result<Option<Duration>, TimeoutProblem> {
    read(format, value, |number, unit| {
        let most = match format {
            Format::GrpcTimeout => 8,
            Format::ConnectTimeoutMs => 10,
            _ => DIGITS,
        };
        if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
            return Err(TimeoutProblem::NotANumber);
        }
        if number.len() > most {
            return Err(TimeoutProblem::TooManyDigits);
        }
        Ok(nanos(number, b"", unit))
    })
}

pub(super) fn lenient(format: Format, value: &[u8]) -> Result<Option<Duration>, TimeoutProblem> {
    read(format, trim(value), |number, unit| {
        let number = trim(number);
        let (whole, fraction) = split_once(number, b'.');
        let fraction = fraction.unwrap_or(b"0");
        let all_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(TimeoutProblem::NotANumber);
        }
        Ok(nanos(whole, fraction, unit))
    })
}

/// Splits off the unit and has `number` read the rest in it.
fn read(
    format: Format,
    value: &[u8],
    number: impl FnOnce(&[u8], u64) -> Result<u128, TimeoutProblem>,
) -> Result<Option<Duration>, TimeoutProblem> {
    if value.len() > LOOK {
        return Err(TimeoutProblem::TooLong);
    }
    // A list of preferences may be empty; a number may not.
    if value.is_empty() && format != Format::PreferWait {
        return Err(TimeoutProblem::Empty);
    }
    let nanos = match format {
        Format::GrpcTimeout => {
            let (digits, unit) = split_unit(value)?;
            number(digits, unit)?
        }
        Format::ConnectTimeoutMs | Format::Millis => number(value, MILLI)?,
        Format::EnvoyExpectedMs => match number(value, MILLI)? {
            0 => return Ok(None),
            nanos => nanos,
        },
        Format::RequestTimeout => number(value, SECOND)?,
        Format::PreferWait => match prefer::wait(value) {
            Some(seconds) => number(seconds, SECOND)?,
            None => return Ok(None),
        },
    };
    let seconds = u64::try_from(nanos / u128::from(SECOND));
    let rest = u32::try_from(nanos % u128::from(SECOND)).unwrap_or(0);
    Ok(Some(seconds.map_or(Duration::MAX, |seconds| Duration::new(seconds, rest))))
}

/// The number and the nanoseconds of its unit.
fn split_unit(value: &[u8]) -> Result<(&[u8], u64), TimeoutProblem> {
    let (unit, number) = value.split_last().ok_or(TimeoutProblem::Empty)?;
    let nanos = match unit {
        b'H' => 3_600 * SECOND,
        b'M' => 60 * SECOND,
        b'S' => SECOND,
        b'm' => MILLI,
        b'u' => 1_000,
        b'n' => 1,
        _ => return Err(TimeoutProblem::BadUnit),
    };
    Ok((number, nanos))
}

/// `whole.fraction` units in nanoseconds, rounded up; both are digits only. Saturates far above what a `Duration` holds.
fn nanos(whole: &[u8], fraction: &[u8], unit: u64) -> u128 {
    let value = |digits: &[u8]| digits.iter().fold(0_u128, |sum, digit| add_digit(sum, *digit));
    let (near, far) = fraction.split_at(fraction.len().min(18));
    let scale = near.iter().fold(1_u128, |scale, _| scale * 10);
    let beyond = u64::from(far.iter().any(|digit| *digit != b'0'));
    let part = ((value(near) + u128::from(beyond)) * u128::from(unit)).div_ceil(scale);
    value(whole).saturating_mul(u128::from(unit)).saturating_add(part)
}

fn add_digit(sum: u128, digit: u8) -> u128 {
    sum.saturating_mul(10).saturating_add(u128::from(digit - b'0'))
}
