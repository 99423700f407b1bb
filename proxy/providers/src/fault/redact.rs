//! Makes a text of a model server fit to be shown: short, and without anything like a key.

/// The most that passes, in bytes.
const LIMIT_BYTES: usize = 2048;

/// What stands for a key.
const MASK: &str = "[redacted]";

/// How keys begin.
const PREFIXES: [&str; 12] =
    ["sk-", "sk_", "gsk_", "pk-", "xai-", "aiza", "ghp_", "hf_", "eyj", "key-", "nvapi-", "r8_"];

/// Words after which a key follows.
const LEADS: [&str; 3] = ["bearer", "basic", "token:"];

/// A copy of at most 2 KiB in which `secret`, and words that look like keys, are masked.
pub(crate) fn text(message: &str, secret: Option<&str>) -> String {
    let message = match secret.map(bare).filter(|secret| secret.len() >= 4) {
        Some(secret) => message.replace(secret, MASK),
        None => message.to_owned(),
    };
    let mut out = String::with_capacity(message.len().min(LIMIT_BYTES));
    let mut after_lead = false;
    for piece in message.split_inclusive(|c: char| !is_key_char(c)) {
        let word = piece.trim_end_matches(|c: char| !is_key_char(c));
        let rest = piece.get(word.len()..).unwrap_or_default();
        out.push_str(if looks_like_key(word, after_lead) { MASK } else { word });
        out.extend(rest.chars().map(|c| if c.is_control() { ' ' } else { c }));
        if !word.is_empty() {
            after_lead = LEADS.iter().any(|lead| lead.eq_ignore_ascii_case(word));
        }
        if out.len() > LIMIT_BYTES {
            break;
        }
    }
    cut(out)
}

/// A credential without its scheme.
fn bare(secret: &str) -> &str {
    secret.rsplit(' ').next().unwrap_or(secret)
}

fn is_key_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '*' | '+' | '/' | '=' | '.' | ':')
}

fn looks_like_key(word: &str, after_lead: bool) -> bool {
    let lower = word.to_ascii_lowercase();
    let is_long = word.len() >= 8;
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    let is_blob = word.len() >= 32
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_long && (after_lead || PREFIXES.iter().any(|prefix| lower.starts_with(prefix)))) || is_blob
}

fn cut(mut text: String) -> String {
    if text.len() > LIMIT_BYTES {
        text.truncate(text.floor_char_boundary(LIMIT_BYTES));
        text.push('…');
    }
    text
}
