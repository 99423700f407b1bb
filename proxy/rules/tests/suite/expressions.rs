use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use rules::expression::OF_TOOL_CALLS;
use rules::{Expression, Facts, Failure};
use serde_json::{Value, json};

fn parse(text: &str) -> Result<Expression, String> {
    Expression::parse(text, OF_TOOL_CALLS)
}

fn holds(text: &str, args: &Value) -> Result<bool, Failure> {
    parse(text).unwrap().holds(&Facts::new([("args", args)]))
}

/// The answer, which has to come within seconds on a slow machine.
fn soon(text: &'static str, args: Value) -> Result<bool, Failure> {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(holds(text, &args)));
    told.recv_timeout(Duration::from_secs(10)).unwrap()
}

#[test]
fn expressions_are_answered() {
    let args = json!({"org": "acme", "n": 5, "big": 1.5, "items": [{"k": "a"}, {"k": "b"}], "none": null});
    for text in [
        "args.org == 'acme'",
        "args.n == 5 && args.n > 4 && args.n < 5.5",
        "args.big > 1.0",
        "has(args.org) && !has(args.other)",
        "args.none == null",
        "args.items.all(i, i.k in ['a', 'b'])",
        "args.items.exists(i, i.k == 'b')",
        "args.items.filter(i, i.k == 'a').size() == 1",
        "args.items.exists_one(i, i.k == 'a')",
        "args.org.matches('^a.*e$') && args.org.startsWith('ac') && size(args.org) == 4",
        "args['org'] == 'acme' || args.missing == 1",
        "args.n % 2 == 1 ? true : false",
    ] {
        assert_eq!(holds(text, &args), Ok(true), "{text}");
    }
}

#[test]
fn what_has_no_answer_says_why_and_names_no_value() {
    let args = json!({"org": "acme"});
    assert_eq!(holds("args.other == 'acme'", &args), Err(Failure::NoSuchKey));
    assert_eq!(holds("args.org", &args), Err(Failure::NotBoolean));
    assert!(holds("args.org > 5", &args).is_err());
    assert_eq!(holds("1 / 0 == 1", &args), Err(Failure::Other));
    assert!(!format!("{:?}", holds("args.org + 1 == 'x'", &args)).contains("acme"));
}

#[test]
fn what_there_is_not_is_refused_beforehand() {
    let cases = [
        ("args.org = 'x'", "not a CEL expression"),
        ("reqest.headers == {}", "unknown variable `reqest`"),
        ("tool.nam == 'x'", "unknown member `tool.nam`"),
        ("has(context.tainted)", "unknown member `context.tainted`"),
        ("args.all(x, y)", "unknown variable `y`"),
        ("args.x.reverse() == 'x'", "unknown function `reverse`"),
        ("args.l.map(x, x + 1) == []", "map() is not available"),
        ("args.l.map(x, x > 1, [x]) == []", "map() is not available"),
        ("args.x.matches(args.y)", "must be written down"),
        ("args.x.matches('(')", "not a pattern"),
        ("args.x.matches('(a{1000}){1000}')", "not a pattern"),
        ("Foo{a: 1} == args", "unknown type `Foo`"),
    ];
    for (text, expected) in cases {
        let found = parse(text).unwrap_err();
        assert!(found.contains(expected), "{text}: {found}");
    }
    assert!(parse(&"a".repeat(1025)).is_err());
}

/// Every way to nest, on a stack half as large as that of a worker.
#[test]
fn no_nesting_exhausts_a_stack() {
    let forms: [(&str, &str, &str); 12] = [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("{1: ", "1", "}"),
        ("size(", "1", ")"),
        ("!", "true", ""),
        ("-", "1", ""),
        ("1?1:", "1", ""),
        ("1+", "1", ""),
        ("true&&", "true", ""),
        ("", "args", ".a"),
        ("", "args", "[0]"),
        ("args.all(x, ", "true", ")"),
    ];
    let run = move || {
        for (open, core, close) in forms {
            for times in [1, 12, 23, 60, 250, 500] {
                let text = format!("{}{core}{}", open.repeat(times), close.repeat(times));
                let Ok(expression) = parse(&text) else { continue };
                assert!(expression.holds(&Facts::new([("args", &json!({}))])) != Err(Failure::TooCostly));
            }
        }
    };
    thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn what_would_take_too_long_is_not_tried() {
    let args = json!({"l": vec!["x".repeat(10); 2000]});
    let nested = "args.l.all(a, args.l.all(b, args.l.all(c, a == b)))";
    assert_eq!(soon(nested, args), Err(Failure::TooCostly));
    assert_eq!(holds(nested, &json!({"l": ["x"]})), Ok(true));
}

#[test]
fn what_is_tried_ends_soon() {
    let texts = [
        "args.l.all(a, args.l.all(b, a == b || true))",
        "args.l.filter(a, args.l.exists(b, b == a)).size() > 0",
        "args.l.all(a, a.matches('x{1,50}'))",
    ];
    for text in texts {
        for length in [1, 10, 30, 100, 300, 1000] {
            let args = json!({"l": vec!["x".repeat(length); length]});
            let _ = soon(text, args);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_parser(text in "[a-z.()\\[\\]{}!?:<>=&|+*/'\" 0-9,-]{0,60}") {
        if let Ok(expression) = parse(&text) {
            let _ = expression.holds(&Facts::new([("args", &json!({"a": [1, "x", null]}))]));
        }
    }
}
