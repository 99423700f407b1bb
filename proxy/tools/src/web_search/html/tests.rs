use proptest::prelude::*;

use super::*;

fn page(html: &str) -> Read {
    read(html, &Url::parse("https://a.example/dir/page").unwrap(), &|| false).unwrap()
}

fn text(html: &str) -> String {
    page(html).text
}

#[test]
fn a_page_is_read_as_a_person_reads_it() {
    let html = r#"<!DOCTYPE html><html><head><title> Foxes &amp;
        hens </title><style>p{color:red}</style><script>if (1 < 2) document.write("<p>no</p>")</script></head>
        <body><h1>The <em>red</em> fox</h1><p>It is   sly, see <a href="../more?x=1">the
        rest</a> and <a href="https://b.example/y">y</a>.<p>Second.<ul><li>one<li>two <b>bold</b></ul>
        <table><tr><th>A</th><th>B</th></tr><tr><td>1<td>2</table><pre>code {
    x
}</pre><!-- hidden --><noscript>Enable JavaScript</noscript><svg><text>logo</text></svg>
        <select><option>x</select><p>Caf&eacute;&nbsp;&lt;b&gt;</body></html>"#;
    let expected = "# The red fox\n\nIt is sly, see [the rest](https://a.example/more?x=1) and [y](https://b.example/y).\n\n\
        Second.\n\n- one\n- two bold\n\nA | B\n1 | 2\n\ncode {\n    x\n}\n\nCafé\u{a0}<b>";
    assert_eq!(
        page(html),
        Read { title: "Foxes & hens".to_owned(), text: expected.to_owned(), is_cut: false }
    );
}

#[test]
fn links_that_lead_nowhere_are_text() {
    assert_eq!(
        text(r##"<a href="#top">a</a> <a href="javascript:x()">b</a> <a>c</a> <a href="/d"></a>"##),
        "a b c"
    );
    assert_eq!(text(r#"<a href="/x"><div>a</div><div>b</div></a>"#), "a\nb");
    assert_eq!(text(&format!(r#"<a href="/{}">a</a>"#, "x".repeat(600))), "a");
}

#[test]
fn what_is_never_closed_is_read_to_the_end() {
    assert_eq!(text("a<p>b<a href='/c'>c"), "a\n\nb c".replace(" c", "c"));
    assert_eq!(text("a<script>b"), "a");
    assert_eq!(text("a<script src=x />b()</script>c<style/>d</style><canvas/>e</canvas>f"), "acf");
    assert_eq!(text("<svg/>a<svg><svg></svg>b</svg>c"), "ac");
    assert_eq!(text("</div></a></p></script>a"), "a");
}

#[test]
fn highlighted_code_keeps_its_lines() {
    let html = "<p>a<pre>\n<span>fn</span> <b>f</b>() {\n<i>    g</i>(\t1)\n</pre><p>b<pre> </pre>c";
    assert_eq!(text(html), "a\n\nfn f() {\n    g(\t1)\n\nb\n\nc");
    assert_eq!(text("<pre><span>a</span>\n\n<span>b</span>\n<span>  c</span></pre>"), "a\n\nb\n  c");
    assert_eq!(text("<pre><code>  <span>a</span><br>\n<div>b</div>\nc</code></pre>"), "  a\nb\nc");
}

#[test]
fn a_page_that_nobody_waits_for_is_left() {
    assert_eq!(read("<p>a", &Url::parse("https://a.example/").unwrap(), &|| true), None);
}

#[test]
fn hostile_pages_cost_what_their_length_is() {
    for piece in
        ["<div>", "<b>", "<table><tr><td>", "<p><font a=1>", "<a href=x>", "</p>", "<!--", "&amp", "<svg>"]
    {
        let html = piece.repeat((1 << 18) / piece.len()) + "end";
        assert!(page(&html).text.len() <= 2 << 20, "{piece}");
    }
}

#[test]
fn a_long_text_ends() {
    let page = page(&"<p>word".repeat(1 << 18));
    assert!(page.is_cut);
    let text = page.text;
    assert!((1 << 20..(1 << 20) + (32 << 10)).contains(&text.len()), "{}", text.len());
}

proptest! {
    #[test]
    fn nothing_stops_the_reader(html in r#"(<|>|/|a|div|p|script|title|pre|li|td|svg|!--|-->| |"|href=|é|&amp;|\n|<p>|</p>|<a href=x>|</a>){0,60}"#) {
        let text = text(&html);
        prop_assert!(!text.contains("\n\n\n") || html.contains("pre"), "{:?}", text);
    }
}
