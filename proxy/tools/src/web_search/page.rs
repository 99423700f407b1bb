//! Opens pages.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use encoding_rs::{Encoding, UTF_8};
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue};
use protocol::destination::Destination;
use reqwest::Response;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use url::Url;

use super::domains::Domains;
use super::html::{self, Read};
use super::web::{Trouble, Web, body, check, unreachable};

const TYPES: &str =
    "text/html, application/xhtml+xml, text/plain;q=0.9, application/json;q=0.9, text/*;q=0.8";
const REDIRECTS: usize = 5;
/// Where a page may say how its letters are written.
const PRELUDE: usize = 1024;

/// A page that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Where it was found in the end.
    pub(super) url: String,
    /// Its own title; empty if it has none.
    pub(super) title: String,
    pub(super) text: String,
    /// Whether there was more than is read.
    pub(super) is_cut: bool,
}

/// How a body is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Plain,
}

impl Web {
    /// Opens a page. Each address on the way to it is checked by the rules for callers' URLs, and against `domains`.
    pub(super) async fn open(&self, url: &str, domains: &Domains) -> Result<Page, Trouble> {
        timeout(self.patience, self.follow(url, domains)).await.unwrap_or(Err(Trouble::Slow))
    }

    async fn follow(&self, url: &str, domains: &Domains) -> Result<Page, Trouble> {
        let mut url = admit(url, domains, self.loopback)?;
        for _ in 0..=REDIRECTS {
            let request = self.pages.get(url.url().clone()).header(ACCEPT, TYPES);
            let response = request.send().await.map_err(unreachable)?;
            match redirection(&response) {
                Some(location) => url = next(&url, location, domains, self.loopback)?,
                None => return self.read(url.url(), response).await,
            }
        }
        Err(Trouble::Redirects)
    }

    async fn read(&self, url: &Url, response: Response) -> Result<Page, Trouble> {
        check(&response)?;
        uncoded(response.headers())?;
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        let form = form(&kind)?;
        let (bytes, is_cut) = body(response, self.page_bytes).await?;
        let base = url.clone();
        let waiting = Waiting(Arc::new(AtomicBool::new(false)));
        let is_over = Arc::clone(&waiting.0);
        let read = spawn_blocking(move || {
            let text = letters(&kind, &bytes);
            match form {
                Form::Html => html::read(&text, &base, &|| is_over.load(Ordering::Relaxed)),
                Form::Plain => Some(Read { title: String::new(), text, is_cut: false }),
            }
        });
        let Read { title, text, is_cut: is_long } = read.await.ok().flatten().ok_or(Trouble::Broken)?;
        Ok(Page { url: url.to_string(), title, text, is_cut: is_cut || is_long })
    }
}

/// Tells the reader that nobody waits any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A URL that may be opened. Of the web only `https` is: a plain address is asked for by its encrypted twin.
fn admit(text: &str, domains: &Domains, loopback: bool) -> Result<Destination, Trouble> {
    let plain = |url: &Url| url.scheme() == "http" && url.port().is_none();
    let twin = Url::parse(text).ok().filter(plain).and_then(|mut url| {
        url.set_scheme("https").ok()?;
        Some(url.to_string())
    });
    let checked = Destination::of_caller(text, loopback);
    let checked = match (checked, twin) {
        (Err(_), Some(twin)) => Destination::of_caller(&twin, loopback),
        (checked, _) => checked,
    };
    let checked = checked.map_err(|denied| {
        tracing::warn!(target: "audit", reason = %denied, "The address of a page was refused");
        Trouble::Denied
    })?;
    if domains.admit(checked.url()) { Ok(checked) } else { Err(Trouble::Filtered) }
}

fn redirection(response: &Response) -> Option<&str> {
    let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    response.headers().get(LOCATION).filter(|_| redirects)?.to_str().ok()
}

fn next(
    from: &Destination,
    location: &str,
    domains: &Domains,
    loopback: bool,
) -> Result<Destination, Trouble> {
    let url = from.url().join(location).map_err(|_| Trouble::Denied)?;
    admit(url.as_str(), domains, loopback)
}

/// No coding is asked for; what is coded all the same is no text.
fn uncoded(headers: &HeaderMap) -> Result<(), Trouble> {
    let is_plain = |coding: &HeaderValue| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if headers.get_all(CONTENT_ENCODING).iter().all(is_plain) { Ok(()) } else { Err(Trouble::Coded) }
}

fn form(kind: &str) -> Result<Form, Trouble> {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_plain = essence.starts_with("text/")
        || matches!(essence, "application/json" | "application/xml" | "application/yaml")
        || (essence.starts_with("application/") && (essence.ends_with("+json") || essence.ends_with("+xml")));
    match essence {
        "text/html" | "application/xhtml+xml" => Ok(Form::Html),
        _ if is_plain => Ok(Form::Plain),
        "" => Err(Trouble::Type("not told".to_owned())),
        other => {
            Err(Trouble::Type(other.chars().filter(|letter| letter.is_ascii_graphic()).take(60).collect()))
        }
    }
}

/// Bytes as letters: by a byte order mark, by the type, by what the page says, else as UTF-8.
fn letters(kind: &str, bytes: &[u8]) -> String {
    let prelude = String::from_utf8_lossy(bytes.get(..PRELUDE).unwrap_or(bytes)).to_ascii_lowercase();
    let encoding = charset(kind).or_else(|| charset(&prelude)).unwrap_or(UTF_8);
    encoding.decode(bytes).0.into_owned()
}

fn charset(text: &str) -> Option<&'static Encoding> {
    let (_, rest) = text.split_once("charset=")?;
    let label = rest.trim_start_matches(['"', '\'']);
    let end = label.find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_:.".contains(letter));
    Encoding::for_label(&label.as_bytes()[..end.unwrap_or(label.len())])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(url: &str, loopback: bool) -> Result<String, String> {
        let admitted = admit(url, &Domains::default(), loopback);
        admitted.map(|url| url.url().to_string()).map_err(|trouble| trouble.to_string())
    }

    #[test]
    fn only_the_web_is_opened() {
        let denied = Err("this URL cannot be opened here".to_owned());
        for url in [
            "http://169.254.169.254/latest/meta-data/",
            "https://169.254.169.254/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::1]/",
            "http://0x7f.1/",
            "http://localhost/",
            "https://10.0.0.1/",
            "https://kubernetes.default.svc/",
            "https://a.example:6443/",
            "http://a.example:8080/",
            "https://user:word@a.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "a.example",
        ] {
            assert_eq!(admitted(url, false), denied, "{url}");
        }
        assert_eq!(admitted("http://169.254.169.254/", true), denied);
        assert_eq!(admitted("http://[::ffff:169.254.169.254]/", true), denied);
        assert_eq!(admitted("http://a.example/x", false), Ok("https://a.example/x".to_owned()));
        assert_eq!(admitted("https://a.example:8443/x", false), Ok("https://a.example:8443/x".to_owned()));
        assert_eq!(admitted("http://127.0.0.1:9/", true), Ok("http://127.0.0.1:9/".to_owned()));
    }

    #[test]
    fn a_redirect_is_checked_like_any_url() {
        let from = Destination::of_caller("https://a.example/x/y", false).unwrap();
        let only = Domains { allowed: vec!["a.example".to_owned()], blocked: Vec::new() };
        let led = |location: &str, domains: &Domains| {
            let led = next(&from, location, domains, false);
            led.map(|url| url.url().to_string()).map_err(|trouble| trouble.to_string())
        };
        let any = Domains::default();
        assert_eq!(led("../z?q", &any), Ok("https://a.example/z?q".to_owned()));
        assert_eq!(led("//b.example/", &any), Ok("https://b.example/".to_owned()));
        assert_eq!(led("http://127.0.0.1/", &any), Err("this URL cannot be opened here".to_owned()));
        assert_eq!(led("//[::ffff:7f00:1]/", &any), Err("this URL cannot be opened here".to_owned()));
        assert!(led("https://b.example/", &only).unwrap_err().contains("limited to"));
    }

    #[test]
    fn letters_are_read_as_the_page_says() {
        assert_eq!(letters("text/html; charset=iso-8859-1", b"caf\xe9"), "café");
        assert_eq!(
            letters("text/html", b"<meta charset=\"windows-1252\">\x80"),
            "<meta charset=\"windows-1252\">€"
        );
        assert_eq!(letters("text/html", "é".as_bytes()), "é");
        assert_eq!(letters("text/html; charset=nonsense", b"a"), "a");
        assert_eq!(letters("text/plain", b"\xff\xfea\0"), "a");
    }

    #[test]
    fn what_is_compressed_is_refused() {
        let coded = |coding: &'static str| {
            let header = (CONTENT_ENCODING, HeaderValue::from_static(coding));
            uncoded(&[header].into_iter().collect()).is_err()
        };
        assert!(uncoded(&HeaderMap::new()).is_ok());
        for (coding, is_refused) in [("gzip", true), ("identity, br", true), ("", true), ("Identity", false)]
        {
            assert_eq!(coded(coding), is_refused, "{coding}");
        }
    }

    #[test]
    fn only_text_is_read() {
        for (kind, is_html) in
            [("text/html; charset=x", true), ("application/ld+json", false), ("text/csv", false)]
        {
            assert_eq!(form(kind).is_ok_and(|form| form == Form::Html), is_html, "{kind}");
        }
        for kind in ["", "image/png", "application/octet-stream", "application/pdf", "video/mp4"] {
            assert!(form(kind).is_err(), "{kind}");
        }
    }
}
