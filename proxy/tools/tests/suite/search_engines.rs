//! Search engines: what they are asked, and what they answer in the words of their documentation.

use bytes::Bytes;
use http::{Request, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tools::web_search::{Brave, Domains, Found, Location, Search, SearchEngine, Searxng, Tavily};

const SEARXNG: &str = r#"{"query": "foxes", "number_of_results": 0, "results": [
    {"url": "https://fox.example/a", "title": "Foxes", "content": "Sly &amp; red", "publishedDate": "2026-01-02T00:00:00",
     "engine": "duckduckgo", "parsed_url": ["https", "fox.example", "/a", "", "", ""], "engines": ["duckduckgo"],
     "positions": [1], "score": 1.0, "category": "general"},
    {"url": "https://fox.example/b", "title": null, "thumbnail": null},
    {"template": "keyvalue.html", "kvmap": {"a": "b"}}
  ], "answers": [], "corrections": [], "infoboxes": [], "suggestions": ["fox"], "unresponsive_engines": [["qwant", "timeout"]]}"#;

const BRAVE: &str = r#"{"query": {"original": "foxes", "show_strict_warning": false, "more_results_available": true},
  "mixed": {"type": "mixed", "main": [{"type": "web", "index": 0, "all": false}]}, "type": "search",
  "web": {"type": "search", "family_friendly": true, "results": [
    {"title": "Foxes", "url": "https://fox.example/a", "is_source_local": false, "description": "<strong>Sly</strong> &amp; it&#x27;s red", "page_age": "2026-01-02T00:00:00",
     "profile": {"name": "Fox"}, "language": "en", "type": "search_result", "extra_snippets": ["Red", "Quick"]},
    {"title": "Hens", "url": "https://hen.example/"}]}}"#;

const TAVILY: &str = r#"{"query": "foxes", "follow_up_questions": null, "answer": null, "images": [], "results": [
    {"title": "Foxes", "url": "https://fox.example/a", "content": "Sly", "score": 0.81, "raw_content": null, "favicon": "x"},
    {"url": "https://hen.example/", "content": null}], "response_time": "1.67", "auto_parameters": {}, "request_id": "123"}"#;

fn key() -> SecretString {
    SecretString::from("sk-1".to_owned())
}

fn brave() -> Brave {
    Brave { base_url: "https://api.search.brave.com/res/v1".to_owned(), key: key() }
}

fn tavily() -> Tavily {
    Tavily { base_url: "https://api.tavily.com".to_owned(), key: key() }
}

fn searxng() -> Searxng {
    Searxng { url: "http://searxng.search.svc:8080".to_owned() }
}

fn asked(engine: &dyn SearchEngine, query: &str, domains: &Domains) -> Request<Bytes> {
    let location = Location {
        country: Some("DE".to_owned()),
        region: Some("Bavaria".to_owned()),
        city: Some("München".to_owned()),
        timezone: Some("Europe/Berlin".to_owned()),
    };
    engine.request(&Search { query, results: 30, domains, location: &location }).unwrap()
}

fn domains() -> Domains {
    Domains { allowed: vec!["a.org".to_owned(), "b.org".to_owned()], blocked: vec!["c.a.org".to_owned()] }
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> &'a [u8] {
    request.headers().get(name).map(|value| value.as_bytes()).unwrap_or_default()
}

fn found(title: &str, url: &str, text: &str) -> Found {
    Found { title: title.to_owned(), url: url.to_owned(), text: text.to_owned() }
}

#[test]
fn searxng_is_asked_for_json() {
    let request = asked(&searxng(), "foxes & hens", &domains());
    let query = "q=foxes+%26+hens+%28site%3Aa.org+OR+site%3Ab.org%29+-site%3Ac.a.org&format=json";
    assert_eq!(request.uri().to_string(), format!("http://searxng.search.svc:8080/search?{query}"));
    let expected = [
        found("Foxes", "https://fox.example/a", "Sly &amp; red"),
        found("", "https://fox.example/b", ""),
        found("", "", ""),
    ];
    assert_eq!(searxng().read(SEARXNG.as_bytes()).unwrap(), expected);
    assert!(searxng().advice(StatusCode::FORBIDDEN).unwrap().contains("search.formats"));
    assert_eq!(searxng().advice(StatusCode::BAD_GATEWAY), None);
}

#[test]
fn brave_is_told_where_the_user_is() {
    let request = asked(&brave(), "foxes", &Domains::default());
    let query = "q=foxes&count=20&result_filter=web&text_decorations=false";
    assert_eq!(request.uri().to_string(), format!("https://api.search.brave.com/res/v1/web/search?{query}"));
    assert_eq!(header(&request, "x-subscription-token"), b"sk-1");
    assert_eq!(header(&request, "x-loc-city"), "München".as_bytes());
    assert_eq!(header(&request, "x-loc-country"), b"DE");
    assert_eq!(
        (header(&request, "x-loc-state-name"), header(&request, "x-loc-timezone")),
        (&b"Bavaria"[..], &b"Europe/Berlin"[..])
    );
    let expected = [
        found("Foxes", "https://fox.example/a", "Sly & it's red\nRed\nQuick"),
        found("Hens", "https://hen.example/", ""),
    ];
    assert_eq!(brave().read(BRAVE.as_bytes()).unwrap(), expected);
    assert_eq!(brave().read(br#"{"type": "search", "query": {}}"#).unwrap(), []);
}

#[test]
fn a_long_query_is_cut_and_leaves_its_operators() {
    let long = "é".repeat(395);
    let uri = asked(&brave(), &long, &domains()).uri().to_string();
    assert!(!uri.contains("site%3A"), "{uri}");
    let longer = asked(&brave(), &"a".repeat(500), &Domains::default()).uri().to_string();
    assert!(longer.contains(&format!("q={}&", "a".repeat(400))));
}

#[test]
fn tavily_takes_domains_and_a_country() {
    let request = asked(&tavily(), "foxes", &domains());
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        ("POST", "https://api.tavily.com/search")
    );
    assert_eq!(header(&request, "authorization"), b"Bearer sk-1");
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let expected = json!({
        "query": "foxes", "max_results": 20, "include_domains": ["a.org", "b.org"], "exclude_domains": ["c.a.org"], "country": "germany",
    });
    assert_eq!(body, expected);
    let expected = [found("Foxes", "https://fox.example/a", "Sly"), found("", "https://hen.example/", "")];
    assert_eq!(tavily().read(TAVILY.as_bytes()).unwrap(), expected);
    assert!(tavily().advice(StatusCode::UNAUTHORIZED).unwrap().contains("spec.tools.webSearch"));
}

#[test]
fn no_key_is_printed() {
    for text in [
        format!("{:?} {:?}", brave(), tavily()),
        format!("{:?}", asked(&brave(), "q", &domains()).headers()),
        format!("{:?}", asked(&tavily(), "q", &domains()).headers()),
    ] {
        assert!(!text.contains("sk-1"), "{text}");
    }
}

#[test]
fn what_is_no_answer_is_an_error() {
    let engines: [&dyn SearchEngine; 3] = [&searxng(), &brave(), &tavily()];
    for engine in engines {
        for answer in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"error": "x"}"#,
            r#"{"type": "ErrorResponse"}"#,
            r#"{"results": 1}"#,
        ] {
            assert!(engine.read(answer.as_bytes()).is_err(), "{} {answer}", engine.name());
        }
    }
}
