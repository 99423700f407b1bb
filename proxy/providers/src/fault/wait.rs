//! How long a model server asks to be left alone.

use std::time::Duration;

use http::HeaderMap;

/// No server is believed beyond a day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// The wait that the headers ask for, in the order of their precision: `retry-after-ms`, `retry-after` as seconds or as a
/// date, else the latest `x-ratelimit-reset-*` of what is used up.
pub(crate) fn of_headers(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let wait = text("retry-after-ms").and_then(|ms| seconds(ms.parse::<f64>().ok()? / 1000.0));
    let wait = wait.or_else(|| text("retry-after").and_then(span));
    let wait = wait.or_else(|| until(text("retry-after")?, text("date")?));
    let wait = wait.or_else(|| {
        let reset = |what: &str| {
            let left = text(&format!("x-ratelimit-remaining-{what}"));
            let is_spent = left.is_none_or(|left| left == "0");
            is_spent.then(|| text(&format!("x-ratelimit-reset-{what}")).and_then(span)).flatten()
        };
        reset("requests").max(reset("tokens"))
    });
    wait.map(|wait| wait.min(LONGEST))
}

/// `7`, `0.5`, `37s`, `120ms`, `2m59.5s`, `1h2m`.
pub(crate) fn span(text: &str) -> Option<Duration> {
    if let Ok(number) = text.parse::<f64>() {
        return seconds(number);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let scale = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * scale;
        rest = tail;
    }
    seconds(total)
}

/// From the server's own `date` to the date it names: two clocks never meet.
fn until(date: &str, now: &str) -> Option<Duration> {
    let (then, now) = (httpdate::parse_http_date(date).ok()?, httpdate::parse_http_date(now).ok()?);
    Some(then.duration_since(now).unwrap_or_default())
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}
